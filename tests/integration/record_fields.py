"""What a destination may have of an application: read from record.xml here on its own, so that a
mistake of the engine is not repeated."""

import csv
import io
import pathlib
import shutil
import xml.etree.ElementTree as ET
import zlib

ITEM = {"city_code", "receipt_number", "applied_at", "atenabango", "legal_basis", "package_sha256",
        "corrects", "procedure.id", "procedure.form_version", "verification.indication",
        "verification.judged_at"}  # docs/api/routing.yaml
NOTICE = {"city_code", "receipt_number", "notice", "withdrawn_at"}
ENTRY = {"id", "receipt_number", "procedure_id", "created_at", "attempts", "sha256", "claimed_until"}
CONTENT = {"id", "sha256", "receipt_number", "procedure_id", "item"}
COLUMNS = {"id", "sha256", "receipt_number", "applied_at", "atenabango", "corrects", "legal_basis",
           "verification.indication", "verification.judged_at", "package_sha256"}
NEEDED = {"record.claimant.name", "record.claimant.birth_date", "record.claimant.address"}


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


def folder_of(procedures, procedure):
    area, name = procedure.split(".", 1)
    return pathlib.Path(procedures) / area / name


def allowed_fields(procedures, procedure, destination):
    """Paths such as record.children.name, lists without their numbers."""
    folder = folder_of(procedures, procedure)
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


# --- files ------------------------------------------------------------------------------------


def forbidden_columns(procedures, destination, name, text):
    """The columns of a CSV file of a batch that its destination may not have, and the computed
    values among its rows: docs/formats/hand-over-files.md."""
    rows = list(csv.reader(io.StringIO(text, newline="")))
    area, procedure, *rest = name.removesuffix(".csv").split(".")
    procedure = f"{area}.{procedure.rsplit('-', 1)[0]}"
    fields = allowed_fields(procedures, procedure, destination)
    if not rest:
        return [c for c in rows[0] if c not in COLUMNS and f"record.{c}" not in fields]
    if rest == ["computed"]:
        return [row[1] for row in rows[1:] if f"record.computed.{row[1]}.value" not in fields]
    path = ".".join(rest)
    return [c for c in rows[0][1:]
            if not c.endswith(".position") and f"record.{path}.{c}" not in fields]


# --- procedures that keep something back ------------------------------------------------------


def withhold(procedures, folder):
    """A copy of the procedures in which every third item, chosen by its name, goes to nobody: what
    comes with us gives each destination all that its form asks for, so that nothing could leak."""
    shutil.copytree(procedures, folder)
    ET.register_namespace("", "urn:uketsuke:record:1")
    for file in pathlib.Path(folder).glob("*/*/record.xml"):
        tree = ET.parse(file)

        def walk(part, path):
            here = f"{path}.{part.get('name')}" if part.get("name") else path
            if local(part) == "item" and here not in NEEDED and zlib.crc32(here.encode()) % 3 == 0:
                part.set("to", "nobody")
            for child in part:
                walk(child, here)
        walk(tree.getroot(), "record")
        tree.write(file, encoding="UTF-8", xml_declaration=True)


def _values(part, element, path, fields, found):
    here = f"{path}.{part.get('name')}" if part.get("name") else path
    steps = "/".join(f"{{*}}{s}" for s in part.get("from").split("/")) if part.get("from") else "."
    for node in element.findall(steps):
        if local(part) == "item":
            found[here in fields].add((node.text or "").strip())
        for child in part:
            _values(child, node, here, fields, found)


def withheld_values(procedures, procedure, destination, form):
    """Texts of a form (bytes of application.xml) that the destination may not have, and that are
    long enough to be told from what stands there anyway."""
    found = {True: set(), False: set()}
    record = ET.parse(folder_of(procedures, procedure) / "record.xml").getroot()
    fields = allowed_fields(procedures, procedure, destination)
    for part in record:
        _values(part, ET.fromstring(form), "record", fields, found)
    allowed = "\n".join(found[True])
    return {v for v in found[False] if v not in allowed
            and len(v) >= (10 if v.isdigit() and v.isascii() else 4 if not v.isascii() else 1 << 20)}
