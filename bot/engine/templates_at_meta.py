"""The company's templates and those that Meta has: how each stands, and asking for what is missing or other."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.engine.parts import Parts
from bot.store import template_fit, template_status
from bot.whatsapp.errors import Refused, Unknown
from bot.whatsapp.template_fit import longest_filled
from bot.whatsapp.template_registry import Registered, difference, registered
from bot.whatsapp.templates import MessageTemplate, to_meta
from flows.template_health import TemplateStatus
from payments.qr import qr_png

_EXAMPLE = "https://www.bcb.gov.br/estabilidadefinanceira/pix"  # what the picture of a registered example says
# Meta's words for what it does not take in a template, and what to do.
_REMEDIES = {
    2388299: "A parameter may not stand at the beginning or at the end: put words before or after it.",
    2388293: "There are too many parameters for so few words: say more, or use fewer.",
    2388040: "Something is too long: shorten it.",
    2388047: "The header is not as Meta wants it.",
    2388072: "The body is not as Meta wants it.",
    2388073: "The footer is not as Meta wants it.",
    2388019: "The account has as many templates as it may: delete some in WhatsApp Manager.",
    2388024: "It is there in this language already.",
}


class NotTold(Exception):
    """Meta did not tell its templates; says why, and what to do."""


def at_an_end(body: str) -> bool:
    """Return whether a body begins or ends with a parameter."""
    return body.strip().startswith("{{") or body.strip().endswith("}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What was done about one template, and what Meta said against it."""

    row: Mapping[str, Any]
    refused: str | None = None


async def status(parts: Parts, ours: Mapping[str, MessageTemplate]) -> list[dict[str, Any]]:
    """Ask Meta how every template stands, and keep what it says. Return a row for each of the file, then for each that
    only Meta has (`file` false). Raises NotTold.
    """
    there = await _there(parts)
    now = parts.clock.now()
    told = [
        TemplateStatus(
            name=one.name, language=one.language, status=one.status, category=one.category, quality=one.quality
        )
        for one in there.values()
    ]
    told += [
        TemplateStatus(name=one.name, language=one.language, status="MISSING")
        for one in ours.values()
        if (one.name, one.language) not in there
    ]
    async with parts.pool.acquire() as conn:
        await template_status.tell(conn, told, now)
        longest = await template_fit.longest(conn)
    rows: list[dict[str, Any]] = []
    for one in ours.values():
        at_meta = there.get((one.name, one.language))
        too_long = longest_filled(one, longest)
        rows.append(
            {
                "name": one.name,
                "language": one.language,
                "status": at_meta.status if at_meta is not None else "MISSING",
                "category": at_meta.category if at_meta is not None else None,
                "quality": at_meta.quality if at_meta is not None else None,
                "note": "; ".join(filter(None, (difference(one, at_meta, parts.settings.public_url), too_long))),
                "file": True,
            }
        )
    mine = {(one.name, one.language) for one in ours.values()}
    rows += [
        {
            "name": one.name,
            "language": one.language,
            "status": one.status,
            "category": one.category,
            "quality": one.quality,
            "note": "not in the file",
            "file": False,
        }
        for key, one in sorted(there.items())
        if key not in mine
    ]
    return rows


async def push(parts: Parts, ours: Mapping[str, MessageTemplate], *, dry_run: bool = False) -> list[Step]:
    """Ask Meta for the templates that it does not have and for the components that read otherwise; a refusal stops
    nobody else. Raises NotTold.
    """
    there = await _there(parts)
    done: list[Step] = []
    for one in ours.values():
        at_meta = there.get((one.name, one.language))
        reads_otherwise = difference(one, at_meta, parts.settings.public_url)
        what = "create" if at_meta is None else "change" if reads_otherwise else "none"
        row = {"name": one.name, "language": one.language, "done": what, "category": one.category, "status": None}
        if what == "none" or dry_run:
            done.append(Step(row={**row, "status": at_meta.status if at_meta is not None else None}))
            continue
        done.append(await _ask_for(parts, one, at_meta, row))
    return done


async def _ask_for(parts: Parts, one: MessageTemplate, at_meta: Registered | None, row: dict[str, Any]) -> Step:
    handle = None
    if one.header_image:
        uploaded = await parts.graph.upload_example(qr_png(_EXAMPLE), mime_type="image/png")
        if not isinstance(uploaded, str):
            return Step(row={**row, "done": "refused"}, refused=f"its example picture: {_said(uploaded)}")
        handle = uploaded
    body = to_meta(one, header_handle=handle, public_url=parts.settings.public_url)
    if at_meta is None:
        answer = await parts.graph.create_template(parts.settings.whatsapp.waba_id, body)
    else:
        answer = await parts.graph.edit_template(at_meta.id, body)
    if not isinstance(answer, dict):
        return Step(row={**row, "done": "refused"}, refused=_said(answer))
    given = str(answer.get("category") or one.category)
    other = f" (asked for {one.category})" if given != one.category else ""
    return Step(row={**row, "category": f"{given}{other}", "status": str(answer.get("status") or "PENDING")})


async def _there(parts: Parts) -> Mapping[tuple[str, str], Registered]:
    found = await parts.graph.templates(parts.settings.whatsapp.waba_id)
    if not isinstance(found, list):
        raise NotTold(f"Meta did not tell its templates: {_said(found)}")
    return {(one.name, one.language): one for one in registered(found)}


def _said(answer: Refused | Unknown | object) -> str:
    """What went wrong, and what to do about it where that is known."""
    match answer:
        case Refused():
            remedy = _REMEDIES.get(answer.subcode or 0) or _REMEDIES.get(answer.code or 0)
            number = f" ({answer.subcode or answer.code})" if answer.subcode or answer.code else ""
            return f"{answer.title}{number}. {remedy}" if remedy else f"{answer.title}{number}."
        case Unknown():
            return f"no answer ({answer.reason}); try again."
        case _:
            return "no answer; try again."
