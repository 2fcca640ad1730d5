"""What the central bank's description of API Pix says of a document: the part of JSON Schema that it uses."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).parent / "vectors" / "pix" / "openapi.yaml"


@cache
def description() -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    described: dict[str, Any] = yaml.load(FILE.read_text(encoding="utf-8"), Loader=loader)
    return described


def mistakes(document: Any, schema_name: str) -> list[str]:
    """Return where `document` does not keep to the schema; empty: it does."""
    return list(_mistakes(document, {"$ref": f"#/components/schemas/{schema_name}"}, schema_name))


def _mistakes(value: Any, schema: dict[str, Any], at: str) -> Iterator[str]:
    if "$ref" in schema:
        schema = description()["components"]["schemas"][schema["$ref"].removeprefix("#/components/schemas/")]
    for part in schema.get("allOf", ()):
        yield from _mistakes(value, part, at)
    if "oneOf" in schema and sum(not list(_mistakes(value, part, at)) for part in schema["oneOf"]) != 1:
        yield f"{at}: not exactly one of the forms"
    kind = schema.get("type")
    if kind is not None and not isinstance(value, _TYPES[kind]):
        yield f"{at}: no {kind}"
        return
    if isinstance(value, dict):
        yield from (f"{at}.{name}: missing" for name in schema.get("required", ()) if name not in value)
        for name, part in schema.get("properties", {}).items():
            if name in value:
                yield from _mistakes(value[name], part, f"{at}.{name}")
    if isinstance(value, list):
        for n, item in enumerate(value):
            yield from _mistakes(item, schema.get("items", {}), f"{at}[{n}]")
    if isinstance(value, str):
        pattern = schema.get("pattern", "").strip("/")  # some are written as in JavaScript
        if pattern and not re.fullmatch(pattern, value):
            yield f"{at}: not like {pattern}"
        if len(value) > schema.get("maxLength", len(value)):
            yield f"{at}: too long"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: not one of {schema['enum']}"


_TYPES: dict[str, Any] = {
    "object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool,
}  # fmt: skip
