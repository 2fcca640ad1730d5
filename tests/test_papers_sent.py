"""A paper from the decision to the person's phone: kept with its digest in the journal, brought by WhatsApp, and behind
its address the same bytes for ever."""

import hashlib
import json
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from bot.engine import effects
from bot.engine.rows import Rows, Turn
from bot.sandbox import shown
from bot.sandbox.people import ANA, CARLA, Person
from bot.store import conversations, facts, journal, outbox
from flows.effects import Effect, MoveInstalment, SendPaper
from tests.papers import events, words
from tests.town import Town, town


@pytest.fixture
async def place(database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    async with town(database, redis_url, tmp_path, people=(ANA, CARLA)) as found:
        yield found


async def agrees(place: Town, person: Person, plan: str) -> int:
    """Agree to a plan; return the number of its offer."""
    phone = place.phone(person)
    await phone.says("oi", person.document[:3])
    await phone.taps("Negociar")
    await phone.taps(next(c for c in phone.choices() if c.startswith(plan)), "Confirmar")
    return int(await place.ask("SELECT offer_no FROM agreement"))


async def decides(place: Town, person: Person, *decided: Effect) -> None:
    """One turn in the person's chat, with these effects, and what follows from them."""
    parts, now, rows = place.parts, place.clock.now(), Rows()
    async with parts.pool.acquire() as conn, conn.transaction():
        conversation_id = await conn.fetchval("SELECT id FROM conversation WHERE wa_id = $1", person.account.wa_id)
        [held] = await conversations.claim(conn, [conversation_id], now)
        known = await facts.load(
            conn, [held], now=now, zone=parts.settings.timezone, rules=parts.settings.rules, policy=None
        )
        inbox_id = 1_000_000 + await conn.fetchval("SELECT count(*) FROM journal")
        turn = Turn(conversation=held, facts=known[held.id], inbox_id=inbox_id, decision="{}")
        for effect in decided:
            await effects.write(conn, parts, turn, effect, rows)
        outbox_ids = await outbox.decide(conn, rows.outbox, now) if rows.outbox else {}
        await journal.append(conn, journal.chain(held, rows.journal.get(held.id, ())), outbox_ids)
        await conversations.write_back(conn, [held])
    parts.wake.ring("sends")
    await place.settled()


def documents(place: Town, person: Person) -> dict[str, str]:
    """The files on the person's phone, the newest of each name."""
    bubbles = place.phone(person).chat.bubbles
    found = [view for bubble in bubbles if (view := shown.view(bubble, None, {})["document"])]
    return {file["name"]: file["url"] for file in found}


async def journalled(place: Town, kind: str) -> list[dict[str, Any]]:
    async with place.parts.pool.acquire() as conn:
        return [json.loads(row["body"]) for row in await conn.fetch("SELECT body FROM journal WHERE kind = $1", kind)]


async def reads(place: Town, url: str) -> tuple[bytes, dict[str, str]]:
    """The file behind an address, and what its answer says of it."""
    async with place.parts.http.get(url) as answer:
        assert answer.status == 200
        return await answer.read(), dict(answer.headers)


async def test_the_terms_come_as_a_document_whose_bytes_never_change(place: Town) -> None:
    offer_no = await agrees(place, ANA, "3x")
    await decides(place, ANA, SendPaper(kind="terms", agreement_offer_no=offer_no))
    assert "Aqui está o seu acordo por escrito" in " ".join(place.phone(ANA).heard)
    url = documents(place, ANA)["acordo.pdf"]
    first, headers = await reads(place, url)
    assert (await reads(place, url))[0] == first
    assert await place.ask("SELECT body FROM paper WHERE kind = 'terms'") == first
    assert headers["Content-Type"] == "application/pdf"
    assert headers["Content-Disposition"] == 'inline; filename="acordo.pdf"'
    assert headers["X-Robots-Tag"] == "noindex"
    assert "private" in headers["Cache-Control"]
    said = words(first)
    total = await place.ask("SELECT total_cents FROM agreement")
    assert place.parts.texts.money(total) in said
    for each in ("Ana Souza", "•••.982.247-••", "NF-1001", "1/3", "3/3", "Rua das Acácias", await proof(place)):
        assert each in said
    assert "529." not in said  # the answer to the question who somebody is


async def proof(place: Town) -> str:
    return str(await place.ask("SELECT accepted_by_message FROM agreement"))


async def test_the_journal_keeps_the_digest_that_stands_on_the_paper_and_no_address(place: Town) -> None:
    offer_no = await agrees(place, ANA, "3x")
    await decides(place, ANA, SendPaper(kind="terms", agreement_offer_no=offer_no))
    line = [body for body in await journalled(place, "paper") if body["kind"] == "terms"][-1]
    kept = await place.ask("SELECT content FROM paper WHERE id = $1", line["paper_id"])
    assert line["sha256"] == hashlib.sha256(kept.encode()).hexdigest()
    said_so = "SELECT encode(sha256(convert_to(content, 'UTF8')), 'hex') = sha256 FROM paper WHERE id = $1"
    assert await place.ask(said_so, line["paper_id"]) is True  # as docs/papers.md tells an auditor
    assert line["sha256"] in words((await reads(place, documents(place, ANA)["acordo.pdf"]))[0])
    token = await place.ask("SELECT token FROM paper WHERE id = $1", line["paper_id"])
    assert await place.ask("SELECT count(*) FROM journal WHERE body LIKE '%' || $1 || '%'", token) == 0
    assert len(token) == 26


async def test_a_paper_asked_for_twice_is_the_same_paper(place: Town) -> None:
    offer_no = await agrees(place, ANA, "3x")
    await decides(place, ANA, SendPaper(kind="terms", agreement_offer_no=offer_no))
    url = documents(place, ANA)["acordo.pdf"]
    await place.moves(hours=2)
    await decides(place, ANA, SendPaper(kind="terms", agreement_offer_no=offer_no))
    assert documents(place, ANA)["acordo.pdf"] == url
    assert await place.ask("SELECT count(*) FROM paper WHERE kind = 'terms'") == 1


async def test_the_calendar_is_a_button_and_follows_a_date_that_moved(place: Town) -> None:
    offer_no = await agrees(place, ANA, "3x")
    asked = SendPaper(kind="calendar", agreement_offer_no=offer_no)
    await decides(place, ANA, asked)
    bubble = place.phone(ANA).chat.bubbles[-1]
    assert shown.view(bubble, None, {})["link"]["title"] == "Pôr no calendário"
    url = place.phone(ANA).link()
    before, headers = await reads(place, url)
    assert headers["Content-Type"] == "text/calendar; charset=utf-8"
    due = await place.ask("SELECT array_agg(due_on ORDER BY n) FROM instalment")
    assert [e["DTSTART"].dt for e in events(before)] == due
    debt_id = await place.ask("SELECT debt_id FROM agreement")
    later: date = due[2] + timedelta(days=3)
    await decides(place, ANA, MoveInstalment(debt_id=debt_id, n=3, due_on=later), asked)
    after, _ = await reads(place, place.phone(ANA).link())
    assert [e["DTSTART"].dt for e in events(after)] == [*due[:2], later]
    assert [e["UID"] for e in events(after)] == [e["UID"] for e in events(before)]
    assert {e["SEQUENCE"] for e in events(after)} == {1}
    assert (await reads(place, url))[0] == before
    await decides(place, ANA, asked)
    assert await place.ask("SELECT max(revision) FROM paper WHERE kind = 'calendar'") == 1


async def test_receipts_on_the_way_and_a_quittance_at_the_end_and_not_before(place: Town) -> None:
    phone, offer_no = place.phone(ANA), await agrees(place, ANA, "3x")
    await place.bank.receives(phone.pix_code())
    first = await place.ask("SELECT end_to_end_id FROM payment")
    await decides(
        place,
        ANA,
        SendPaper(kind="receipt", end_to_end_id=first),
        SendPaper(kind="quittance", agreement_offer_no=offer_no),
        SendPaper(kind="quittance", end_to_end_id=first),
    )
    assert "quitacao.pdf" not in documents(place, ANA)
    assert {body["because"] for body in await journalled(place, "paper_not_made")} == {"not_paid"}
    said = words((await reads(place, documents(place, ANA)["recibo.pdf"]))[0])
    assert first in said
    assert "Parcela 1 de 3 do acordo" in said
    left = await place.ask("SELECT sum(amount_cents - paid_cents)::bigint FROM instalment")
    assert f"falta pagar {place.parts.texts.money(left)}" in said
    await phone.says("quero quitar tudo")
    await place.bank.receives(phone.pix_code())
    assert await place.ask("SELECT state FROM debt WHERE external_id = 'NF-1001'") == "paid"
    await decides(place, ANA, SendPaper(kind="quittance", agreement_offer_no=offer_no))
    said = words((await reads(place, documents(place, ANA)["quitacao.pdf"]))[0])
    whole = await place.ask("SELECT sum(amount_cents)::bigint FROM payment")
    assert f"a quantia de {place.parts.texts.money(whole)}" in said
    assert await place.ask("SELECT bool_and(position(end_to_end_id in $1) > 0) FROM payment", said) is True


async def test_what_was_paid_without_an_agreement_has_its_quittance_and_receipt_too(place: Town) -> None:
    phone = place.phone(ANA)
    await phone.says("oi", ANA.document[:3])
    await phone.taps("Pagar agora")
    paid = await place.bank.receives(phone.pix_code())
    e2e = await place.ask("SELECT end_to_end_id FROM payment")
    await decides(
        place, ANA, SendPaper(kind="quittance", end_to_end_id=e2e), SendPaper(kind="receipt", end_to_end_id=e2e)
    )
    files = documents(place, ANA)
    quittance, receipt = [words((await reads(place, files[name]))[0]) for name in ("quitacao.pdf", "recibo.pdf")]
    amount = place.parts.texts.money(paid["amount_cents"])
    assert f"a quantia de {amount}" in quittance
    assert "quitação da dívida descrita acima" in quittance
    assert f"Pago aqui {amount}" in receipt
    assert "não falta pagar nada" in receipt


async def test_nobody_gets_the_paper_of_somebody_else(place: Town) -> None:
    phone, offer_no = place.phone(ANA), await agrees(place, ANA, "3x")
    await place.bank.receives(phone.pix_code())
    e2e = await place.ask("SELECT end_to_end_id FROM payment")
    await place.phone(CARLA).says("oi", CARLA.document[:3])
    kept = await place.ask("SELECT count(*) FROM paper")
    await decides(
        place,
        CARLA,
        SendPaper(kind="terms", agreement_offer_no=offer_no),
        SendPaper(kind="receipt", end_to_end_id=e2e),
        SendPaper(kind="quittance", end_to_end_id=e2e),
    )
    assert documents(place, CARLA) == {}
    assert await place.ask("SELECT count(*) FROM paper") == kept
    assert len([b for b in await journalled(place, "paper_not_made") if b["because"] == "not_found"]) == 3


async def test_an_address_that_leads_nowhere_says_so_kindly(place: Town) -> None:
    offer_no = await agrees(place, ANA, "3x")
    await decides(place, ANA, SendPaper(kind="terms", agreement_offer_no=offer_no))
    url = documents(place, ANA)["acordo.pdf"]
    for wrong in (url.replace(".pdf", ".ics"), f"{place.address}/paper/{'a' * 26}.pdf", f"{place.address}/paper/é.pdf"):
        async with place.parts.http.get(wrong) as answer:
            assert answer.status == 404
            assert "Não encontramos este documento" in await answer.text()


async def test_a_kept_paper_cannot_be_changed_or_lost(place: Town) -> None:
    offer_no = await agrees(place, ANA, "3x")
    await decides(place, ANA, SendPaper(kind="terms", agreement_offer_no=offer_no))
    for change in ("UPDATE paper SET content = '{}'", "UPDATE paper SET token = 'x'", "DELETE FROM paper"):
        with pytest.raises(asyncpg.RestrictViolationError):
            await place.ask(change)
    await reads(place, documents(place, ANA)["acordo.pdf"])
    with pytest.raises(asyncpg.RestrictViolationError):
        await place.ask("UPDATE paper SET body = 'x' WHERE kind = 'terms'")
