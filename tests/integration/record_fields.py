"""What a destination may have of an application: read from record.xml here on its own, so that a
mistake of the engine is not repeated."""

import xml.etree.ElementTree as ET

ITEM = {"city_code", "receipt_number", "applied_at", "atenabango", "legal_basis", "package_sha256",
        "corrects", "procedure.id", "procedure.form_version", "verification.indication",
        "verification.judged_at"}  # docs/api/routing.yaml


def local(element):
    return element.tag.rsplit("}", 1)[-1]


def _walk(part, path, destination, inherited, fields):
    to = (part.get("to") or inherited or "").split()
    name = part.get("name")
    here = f"{path}.{name}" if name else path
    if local(part) == "item" and destination in to:
        fields.add(here)
    for child in part:
        _walk(child, here, destination, " ".join(to), fields)


def allowed_fields(procedures, procedure, destination):
    """Paths such as record.children.name, lists without their numbers."""
    area, name = procedure.split(".", 1)
    folder = procedures / area / name
    fields = {"record.procedure", "record.version"}
    record = ET.parse(folder / "record.xml").getroot()
    _walk(record, "record", destination, record.get("to"), fields)
    for value in ET.parse(folder / "rules.xml").getroot():
        if local(value) == "value" and destination in (value.get("to") or record.get("to")).split():
            fields |= {f"record.computed.{value.get('name')}.{part}" for part in ("value", "how")}
    return ITEM | fields


def forbidden(value, allowed, path=""):
    """The paths in an item that the list does not have."""
    if isinstance(value, dict):
        return [p for key, child in value.items()
                for p in forbidden(child, allowed, f"{path}.{key}" if path else key)]
    if isinstance(value, list):
        return [p for child in value for p in forbidden(child, allowed, path)]
    return [] if path in allowed else [path]
