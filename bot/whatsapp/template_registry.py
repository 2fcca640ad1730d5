"""A template as Meta has it, and how it differs from what the company wrote."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.whatsapp.lenient import name_of, rows_of, table_of
from bot.whatsapp.templates import MessageTemplate, to_meta


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """One template at Meta. `components` without their examples, which come back as addresses."""

    id: str
    name: str
    language: str
    status: str
    category: str | None
    quality: str | None
    components: tuple[Mapping[str, Any], ...]


def registered(rows: Iterable[Mapping[str, Any]]) -> list[Registered]:
    """Return the templates of Meta's list; a row without a name is left out."""
    found: list[Registered] = []
    for row in rows:
        name, language = name_of(row.get("name"), longest=512), name_of(row.get("language"), longest=16)
        if name is None or language is None:
            continue
        found.append(
            Registered(
                id=name_of(row.get("id"), longest=64) or "",
                name=name,
                language=language,
                status=name_of(row.get("status"), longest=64) or "UNKNOWN",
                category=name_of(row.get("category"), longest=64),
                quality=name_of(table_of(row.get("quality_score")).get("score"), longest=64),
                components=tuple(_bare(component) for component in rows_of(row.get("components"))),
            )
        )
    return found


def difference(ours: MessageTemplate, there: Registered | None, public_url: str) -> str | None:
    """Return what of a template reads otherwise at Meta; None where it is the same, or is not there."""
    if there is None:
        return None
    asked = {c["type"]: c for c in map(_bare, to_meta(ours, header_handle="", public_url=public_url)["components"])}
    at_meta = {c.get("type"): c for c in there.components}
    other = [kind for kind in ("HEADER", "BODY", "BUTTONS") if asked.get(kind) != at_meta.get(kind)]
    found = [f"{kind.lower()} reads otherwise" for kind in other]
    if there.category not in (None, ours.category):
        found.append(f"Meta takes it for {there.category}")
    return "; ".join(found) or None


def _bare(component: Mapping[str, Any]) -> Mapping[str, Any]:
    kept = {key: value for key, value in component.items() if key != "example"}
    if "buttons" in kept:
        kept["buttons"] = [
            {key: b[key] for key in ("type", "text", "url") if key in b} for b in rows_of(kept["buttons"])
        ]
    return kept
