"""The procedures under forms/procedures as the tests see them: read here on their own, so that a
mistake of the engine is not repeated. Standard library only."""

import json
import pathlib
import xml.etree.ElementTree as ET

PROCEDURES = pathlib.Path(__file__).resolve().parents[2] / "forms" / "procedures"
RECORD = "{urn:uketsuke:record:1}"


def local(element):
    return element.tag.rsplit("}", 1)[-1]


class Procedure:
    def __init__(self, folder):
        self.folder = folder
        head = ET.parse(folder / "procedure.xml").getroot()
        self.id, self.version = head.get("id"), head.get("form-version")
        self.retired = head.get("status") == "retired"
        self.record = ET.parse(folder / "record.xml").getroot()
        self.destination = self.record.get("to").split()[0]
        self.has_number = any(e.get("check") == "kojinbango" for e in self.record.iter())

    def example(self, name="good"):
        """The form as {name: text, {…} or [{…}]}, and what stands beside it."""
        form = ET.parse(self.folder / "examples" / f"{name}.xml").getroot()
        beside = json.loads((self.folder / "examples" / f"{name}.json").read_text())
        return form, beside

    def expected(self, form):
        """The record that a form gives, by record.xml."""
        record = self._object(self.record, form)
        return {"procedure": self.id, "version": self.version, **record}

    def _object(self, entry, form):
        made = {}
        for part in entry:
            kind = local(part)
            if kind not in ("object", "list", "item"):
                continue
            found = self._all(form, part.get("from"))
            if not found:
                continue
            if kind == "item":
                made[part.get("name")] = self._value(part, found[0].text or "")
            elif kind == "list":
                made[part.get("name")] = [self._object(part, one) for one in found]
            else:
                made[part.get("name")] = self._object(part, found[0])
        return made

    @staticmethod
    def _all(form, path):
        """The elements of a path: all of its last step."""
        found = [form]
        for step in path.split("/"):
            found = [child for one in found[:1] for child in one if local(child) == step]
        return found

    @staticmethod
    def _value(part, text):
        kind = part.get("type", "text")
        if kind == "integer":
            return int(text)
        return text in ("true", "1") if kind == "boolean" else text


def current():
    """Those that can be applied for now."""
    found = [Procedure(head.parent) for head in sorted(PROCEDURES.glob("*/*/procedure.xml"))]
    return [procedure for procedure in found if not procedure.retired]
