"""The company's templates at Meta: asked for, changed, refused, stopped by news; and people are told."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.engine import template_status as news
from bot.engine.template_status import changed
from bot.engine.templates_at_meta import at_an_end, push, status
from bot.sandbox.people import ANA
from bot.store import notices, template_status
from bot.whatsapp.templates import MessageTemplate, read_templates
from flows.template_health import TemplateStatus, present_status, why_stopped
from tests.ladder_town import LADDER, ladder_town, owing, walks_to
from tests.town import Town

OURS = LADDER.parents[1] / "templates" / "padrao.yaml"
BODIES = Path(__file__).parent / "vectors" / "whatsapp"


@pytest.fixture
async def place(database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    async with ladder_town(database, redis_url, tmp_path, people=(owing(ANA, 7),)) as running:
        yield running


def ours() -> Mapping[str, MessageTemplate]:
    read = read_templates(OURS.read_bytes(), name="padrao.yaml")
    assert isinstance(read, Mapping)
    return read


async def told(place: Town, field: str, name: str, **value: Any) -> None:
    about = {"message_template_id": 1, "message_template_name": name, "message_template_language": "pt-BR"}
    await place.world.graph.tell_of_template(field, {**about, **value})
    await place.settled()
    await news.apply_once(place.parts)


async def open_kinds(place: Town) -> list[tuple[str, str]]:
    async with place.parts.pool.acquire() as conn:
        return [(notice.kind, notice.subject) for notice in await notices.open_notices(conn)]


async def test_what_meta_has_already_is_not_asked_for_again(place: Town) -> None:
    done = await push(place.parts, ours())
    assert {step.row["done"] for step in done} == {"none"}
    rows = await status(place.parts, ours())
    assert {(row["status"], row["note"]) for row in rows} == {("APPROVED", "")}


async def test_what_is_missing_is_asked_for_and_what_reads_otherwise_is_changed(place: Town) -> None:
    known = place.world.graph.whatsapp.templates.known
    del known["venceu", "pt_BR"]
    rows = {row["name"]: row["status"] for row in await status(place.parts, ours())}
    assert rows["venceu"] == "MISSING"
    proposal = known["proposta", "pt_BR"]
    proposal.components = [dict(c) for c in proposal.components]
    proposal.components[0]["text"] = "Outras palavras para {{nome}}."
    would = {step.row["name"]: step.row["done"] for step in await push(place.parts, ours(), dry_run=True)}
    assert ("venceu", "pt_BR") not in known
    done = {step.row["name"]: step.row["done"] for step in await push(place.parts, ours())}
    assert would == done
    assert {name: what for name, what in done.items() if what != "none"} == {"venceu": "create", "proposta": "change"}
    assert "Dá para resolver" in proposal.components[0]["text"]
    assert [c["type"] for c in known["venceu", "pt_BR"].components] == ["HEADER", "BODY", "BUTTONS"]


async def test_a_refusal_names_its_reason_and_stops_nobody_else(place: Town) -> None:
    known = place.world.graph.whatsapp.templates.known
    del known["venceu", "pt_BR"], known["proposta", "pt_BR"]
    mine = ours()
    bad = replace(mine["proposta"], body="{{nome}}, sua fatura {{descricao}} venceu {{quando}} ({{valor}}). Veja.")
    assert at_an_end(bad.body)
    done = await push(place.parts, {**mine, "proposta": bad})
    refused = [step for step in done if step.refused is not None]
    assert [step.row["name"] for step in refused] == ["proposta"]
    assert "2388299" in str(refused[0].refused)
    assert "put words before or after it" in str(refused[0].refused)
    assert ("venceu", "pt_BR") in known


async def test_who_has_templates_that_the_file_does_not_is_told(place: Town) -> None:
    mine = dict(ours())
    del mine["proposta"]
    rows = [row for row in await status(place.parts, mine) if not row["file"]]
    assert [(row["name"], row["note"]) for row in rows] == [("proposta", "not in the file")]


async def test_a_paused_template_stops_its_step_and_tells_people_and_goes_on_when_it_is_back(place: Town) -> None:
    phone = place.phone(ANA)
    await phone.says("oi", ANA.document[:3])
    await told(place, "message_template_status_update", "lembrete_amigavel", event="PAUSED", reason="NONE",
               other_info={"title": "FIRST_PAUSE", "description": "…"})  # fmt: skip
    heard = len(phone.heard)
    await walks_to(place, 2026, 12, 5)
    assert len(phone.heard) == heard
    assert await open_kinds(place) == [("template_paused", "lembrete_amigavel")]
    await told(place, "message_template_status_update", "lembrete_amigavel", event="APPROVED", reason="NONE",
               other_info={"title": "UNPAUSE"})  # fmt: skip
    await walks_to(place, 2026, 12, 5, 13, 30)
    assert "vence terça-feira, 08/12" in phone.last


async def test_a_template_that_became_marketing_reaches_nobody_without_consent(place: Town) -> None:
    phone = place.phone(ANA)
    await phone.says("oi", ANA.document[:3])
    await told(
        place, "template_category_update", "lembrete_amigavel", previous_category="UTILITY", new_category="MARKETING"
    )
    heard = len(phone.heard)
    await walks_to(place, 2026, 12, 5)
    assert len(phone.heard) == heard
    assert await place.ask("SELECT reason FROM ladder_step") == "no_marketing_consent"
    assert await open_kinds(place) == [("template_marketing", "lembrete_amigavel")]


async def test_a_reminder_that_is_queued_as_its_template_is_paused_does_not_leave(place: Town) -> None:
    phone = place.phone(ANA)
    await phone.says("oi", ANA.document[:3])
    async with place.parts.pool.acquire() as conn:
        await conn.execute("UPDATE conversation SET send_after = '2026-12-05 11:00-03'")
    await walks_to(place, 2026, 12, 5)
    await told(place, "message_template_status_update", "lembrete_amigavel", event="PAUSED", reason="NONE")
    heard = len(phone.heard)
    await walks_to(place, 2026, 12, 5, 11)
    assert len(phone.heard) == heard
    assert await place.ask("SELECT reason FROM outbox WHERE purpose = 'reminder'") == "template_stopped"


async def test_a_prescribed_debt_is_a_line_for_finance_and_silence(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "regua.yaml"
    every_year = (Path(__file__).parent / "stories" / "late.yaml").read_text(encoding="utf-8")
    file.write_text(every_year.replace("day: 40", "day: 1826"), encoding="utf-8")
    async with ladder_town(database, redis_url, tmp_path, people=(owing(ANA, -1826),), ladder=file) as place:
        phone = place.phone(ANA)
        await phone.says("oi", ANA.document[:3])
        heard = len(phone.heard)
        for day in (2, 3, 4, 7):
            await walks_to(place, 2026, 12, day)
        assert len(phone.heard) == heard
        assert await open_kinds(place) == [("prescribed", f"{ANA.customer_id}-1")]


NEWS = [
    ("wh-template-status-approved.json", "APPROVED", None),
    ("wh-template-status-paused.json", "PAUSED", "template_paused"),
    ("wh-template-status-rejected.json", "REJECTED", "template_rejected"),
    ("wh-template-status-disabled.json", "DISABLED", "template_disabled"),
    ("wh-md-template-status-archived.json", "ARCHIVED", "template_gone"),
]


@pytest.mark.parametrize(("file", "word", "why"), NEWS)
def test_metas_own_bodies_leave_a_template_in_their_status(file: str, word: str, why: str | None) -> None:
    value = json.loads((BODIES / file).read_text(encoding="utf-8"))["entry"][0]["changes"][0]["value"]
    after = changed(TemplateStatus(name="x", language="pt_BR"), value)
    assert (after.status, why_stopped(after)) == (word, why)


def test_quality_news_under_another_name_is_quality_all_the_same() -> None:
    value = json.loads((BODIES / "wh-md-template-quality-update-wrong-field.json").read_text(encoding="utf-8"))
    after = changed(TemplateStatus(name="x", language="pt_BR"), value["entry"][0]["changes"][0]["value"])
    assert (after.status, after.quality) == ("APPROVED", "YELLOW")


@pytest.mark.parametrize(("event", "title", "status_"), [
    ("APPROVED", "UNPAUSE", "APPROVED"), ("REINSTATED", None, "APPROVED"), ("UNARCHIVED", None, "APPROVED"),
    ("PAUSED", "FIRST_PAUSE", "PAUSED"), ("SOMETHING_NEW", None, "SOMETHING_NEW"),
])  # fmt: skip
def test_what_is_over_may_be_sent_again(event: str, title: str | None, status_: str) -> None:
    assert present_status(event, title) == status_


async def test_older_news_changes_nothing(place: Town) -> None:
    now = place.clock.now()
    async with place.parts.pool.acquire() as conn:
        one = TemplateStatus(name="venceu", language="pt_BR", status="PAUSED")
        assert await template_status.tell(conn, [one], now) == 1
        assert await template_status.tell(conn, [replace(one, status="APPROVED")], now.replace(year=2025)) == 0
        assert (await template_status.load(conn))["venceu", "pt_BR"].status == "PAUSED"
