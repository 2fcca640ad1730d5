"""The ladder as debtors see it: reminded on the right day, once, kindly, and never after payment."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.sandbox.people import ANA, BRUNO, CARLA
from tests.ladder_town import LADDER, ladder_town, owing, walks_to
from tests.phone import Phone
from tests.stories.transcripts import story
from tests.town import Town

LATE = Path(__file__).parent / "late.yaml"
STEPS = "SELECT coalesce(string_agg(day || ' ' || outcome, ', ' ORDER BY at, day), '') FROM ladder_step"


@pytest.fixture
async def place(database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    """Ana owes something that is due in a week; it is the morning of Tuesday, 1 December."""
    async with ladder_town(database, redis_url, tmp_path, people=(owing(ANA, 7),)) as running:
        yield running


async def known(place: Town) -> Phone:
    """Ana has written and said who she is."""
    phone = place.phone(ANA)
    await phone.says("oi", ANA.document[:3])
    return phone


async def test_a_month_of_the_ladder(place: Town) -> None:
    """Three days before, on the day, two days and a week after; then people have it, and the bot is silent."""
    phone = await known(place)
    for day in range(2, 31):
        await walks_to(place, 2026, 12, day)
        await walks_to(place, 2026, 12, day, 11)
    assert phone.transcript() == story("ladder_climbed")
    assert await place.ask(STEPS) == "-3 said, 0 said, 2 said, 7 said, 8 ticket"
    assert await place.ask("SELECT (queue, reason) = ('financeiro', 'ladder') FROM ticket") is True


async def test_who_is_not_confirmed_is_asked_neutrally_once_a_week_and_no_debt_is_named(place: Town) -> None:
    phone = place.phone(ANA)
    for day in range(2, 16):
        await walks_to(place, 2026, 12, day)
    assert phone.transcript() == story("ladder_not_confirmed")
    await phone.taps("Sou eu")
    await phone.says(ANA.document[:3])
    assert "Fatura 1" in phone.last


async def test_who_is_somebody_else_hears_nothing_more(place: Town) -> None:
    phone = place.phone(ANA)
    await walks_to(place, 2026, 12, 5)
    await phone.taps("Não sou eu")
    heard = len(phone.heard)
    for day in range(6, 31):
        await walks_to(place, 2026, 12, day)
    assert len(phone.heard) == heard
    assert not any("Fatura" in words for words in phone.heard)


async def test_two_people_at_one_number_are_not_both_asked_for_on_one_day(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    son = owing(replace(BRUNO, account=replace(BRUNO.account, wa_id=ANA.phone), phone=ANA.phone), 7)
    async with ladder_town(database, redis_url, tmp_path, people=(owing(ANA, 7), son)) as place:
        for day in range(2, 12):
            await walks_to(place, 2026, 12, day)
            await walks_to(place, 2026, 12, day, 15)
        assert await place.ask("SELECT count(*) FROM ladder_contact") == 1


async def test_who_paid_by_the_code_of_the_reminder_is_thanked_and_left_in_peace(place: Town) -> None:
    phone = await known(place)
    await walks_to(place, 2026, 12, 8)
    assert "vence hoje" in phone.last
    charge = await place.ask("SELECT code FROM charge WHERE state = 'active'")
    assert await place.bank.amount_of(charge) == 34991
    await place.bank.receives(charge)
    assert "Obrigado" in phone.last
    heard = len(phone.heard)
    for day in range(9, 31):
        await walks_to(place, 2026, 12, day)
    assert len(phone.heard) == heard


async def test_a_press_on_a_reminder_pays_what_it_was_about(place: Town) -> None:
    phone = await known(place)
    await walks_to(place, 2026, 12, 8)
    await phone.taps("Pagar agora")
    await place.bank.receives(phone.pix_code())
    assert await place.ask("SELECT state FROM debt") == "paid"


async def test_after_three_days_of_standing_still_only_the_newest_step_is_said(place: Town) -> None:
    phone = await known(place)
    await walks_to(place, 2026, 12, 3, 9)
    heard = len(phone.heard)
    await walks_to(place, 2026, 12, 11, 9)  # the steps of the 5th, the 8th and the 10th had come
    assert [words for words in phone.heard[heard:] if "Fatura" in words] == [phone.last]
    assert "venceu há 3 dias" in phone.last
    assert await place.ask(STEPS) == "2 said"


async def test_a_promise_is_waited_for_and_asked_about_before_the_ladder_goes_on(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    async with ladder_town(database, redis_url, tmp_path, people=(owing(CARLA, -40),), ladder=LATE) as place:
        phone = place.phone(CARLA)
        await phone.says("oi", CARLA.document[:3], "pago dia 4")
        for day in range(2, 12):
            await walks_to(place, 2026, 12, day)
            await walks_to(place, 2026, 12, day, 12)
        assert phone.transcript() == story("ladder_promise")


async def test_asking_for_silence_is_heard_by_the_ladder(place: Town) -> None:
    phone = await known(place)
    await phone.says("parem de me mandar mensagem")
    heard = len(phone.heard)
    for day in range(2, 31):
        await walks_to(place, 2026, 12, day)
    assert phone.heard[heard:] == []
    assert await place.ask(STEPS) == "8 ticket"  # people decide how it goes on


async def test_who_asked_for_silence_elsewhere_is_not_even_asked_who_is_there(place: Town) -> None:
    """Nobody confirmed to be in this chat; the customer whose number it is wants no more messages."""
    phone = place.phone(ANA)
    await place.ask("UPDATE customer SET opted_out_at = $1 WHERE external_id = $2", place.clock.now(), ANA.customer_id)
    for day in range(2, 16):
        await walks_to(place, 2026, 12, day)
    assert phone.heard == []
    assert await place.ask("SELECT count(*) FROM outbox WHERE kind = 'message'") == 0


async def test_why_did_i_get_this_is_answered_from_the_decision(place: Town) -> None:
    phone = await known(place)
    await walks_to(place, 2026, 12, 10)
    await phone.says("por que recebi isto?")
    assert phone.last == story("ladder_why").strip()


async def test_several_debts_due_on_one_day_are_one_message(database: str, redis_url: str, tmp_path: Path) -> None:
    async with ladder_town(database, redis_url, tmp_path, people=(owing(ANA, 7, 7, 5),)) as place:
        phone = await known(place)
        await walks_to(place, 2026, 12, 8)
        assert phone.transcript() == story("ladder_several")
        await phone.taps("Pagar agora")  # a third one is open too: which?
        assert phone.choices()[0] == "Todas juntas"


async def test_nobody_hears_of_more_than_one_thing_a_day_nor_three_a_week(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    """Six debts on six days, and a template for several that is away: what is too much waits."""
    people = (owing(ANA, 4, 6, 7, 8, 9, 10),)
    async with ladder_town(database, redis_url, tmp_path, people=people) as place:
        await known(place)
        for day in range(2, 31):
            await walks_to(place, 2026, 12, day)
            await walks_to(place, 2026, 12, day, 15)
        days = await place.ask("SELECT array_agg(local_on ORDER BY local_on) FROM ladder_contact")
        assert len(days) == len(set(days)) >= 6
        assert all((later - first).days >= 7 for first, later in zip(days, days[3:], strict=False))


async def test_a_company_that_asks_nobody_reminds_the_only_one_who_can_be_meant(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    async with ladder_town(database, redis_url, tmp_path, people=(owing(CARLA, 7),), identity="none") as place:
        phone = place.phone(CARLA)
        await walks_to(place, 2026, 12, 7)
        assert "Sua fatura Fatura 1" in phone.last


async def test_a_ladder_with_a_mistake_changes_nothing_and_a_better_one_holds_at_once(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "regua.yaml"
    good = (Path(__file__).parents[2] / "flows" / "ladders" / "preventiva.yaml").read_text(encoding="utf-8")
    file.write_text(good, encoding="utf-8")
    async with ladder_town(database, redis_url, tmp_path, ladder=file) as place:
        phone = await known(place)
        file.write_text(good.replace("day: -3", "day: never"), encoding="utf-8")
        await walks_to(place, 2026, 12, 5)
        assert "vence terça-feira, 08/12" in phone.last
        file.write_text(good.replace("day: -1", "day: -2"), encoding="utf-8")
        await walks_to(place, 2026, 12, 7)
        heard = len(phone.heard)
        assert await place.ask("SELECT count(*) FROM ladder_version") == 2
        assert heard == 4


async def test_what_waited_too_long_is_not_said_at_night_but_decided_anew_in_the_morning(place: Town) -> None:
    phone = await known(place)
    async with place.parts.pool.acquire() as conn:
        await conn.execute("UPDATE conversation SET send_after = '2026-12-05 21:00-03'")  # WhatsApp asked to wait
    await walks_to(place, 2026, 12, 5)
    heard = len(phone.heard)
    assert await place.ask("SELECT state FROM outbox WHERE purpose = 'reminder'") == "pending"
    await walks_to(place, 2026, 12, 5, 22)
    became = await place.ask("SELECT state || ' ' || reason FROM outbox WHERE purpose = 'reminder'")
    assert (became, len(phone.heard)) == ("cancelled too_late", heard)
    await walks_to(place, 2026, 12, 7)
    assert "vence amanhã" in phone.last


async def test_an_agreements_payments_are_reminded_of_in_the_debts_place(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    """Before, on the day and just after; then the agreement's own warning takes over."""
    async with ladder_town(database, redis_url, tmp_path, people=(CARLA,)) as place:
        phone = place.phone(CARLA)
        await phone.says("oi", CARLA.document[:3])
        await phone.taps("Negociar", "Outras opções")
        await phone.taps(next(c for c in phone.choices() if c.startswith("6x")), "Confirmar")
        await place.bank.receives(phone.pix_code())
        heard = len(phone.heard)
        for month, day in ((12, 30), (12, 31), (1, 4), (1, 5), (1, 7), (1, 12), (1, 13), (1, 20), (2, 1)):
            await walks_to(place, 2027 if month < 12 else 2026, month, day, 11)
        assert [words.partition("Precisa")[0][:96] for words in phone.heard[heard:]] == [
            "Olá, Carla! Sua fatura Semestre letivo 09/2026, parcela 1 de 6, de R$ 357,62, vence terça-feira,",
            "Olá, Carla! Sua fatura Semestre letivo 09/2026, parcela 1 de 6, de R$ 357,62, vence hoje. Pagand",
            "Olá, Carla. Notamos que Semestre letivo 09/2026, parcela 1 de 6 venceu há 2 dias. O valor atuali",
            "Olá, Carla. A parcela do acordo de Semestre letivo 09/2026 que venceu em 05/01/2027 está em aber",
        ]
        assert await place.ask("SELECT count(*) FROM ladder_contact") == 3


ATTACHED = """
ladder: anexos
title: Anexos
contact_hours: {monday_to_friday: ["08:00", "20:00"]}
tracks:
  - name: todos
    steps:
      - {day: -6, template: lembrete_amigavel, attach: {sticker: "https://aurora.example/oi.webp"}}
      - {day: -1, template: com_pagina, attach: payment_link}
"""
WITH_PAGE = """
  - name: com_pagina
    category: UTILITY
    body: "Olá, {{nome}}! Sua fatura {{descricao}}, de {{valor}}, vence {{quando}}. Pague pela página."
    examples: {nome: Ana, descricao: Mensalidade, valor: "R$ 10,00", quando: hoje}
    link: Ver e pagar

"""


async def test_what_a_step_brings_a_sticker_inside_the_window_and_a_button_to_the_page(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    ladder, templates = tmp_path / "anexos.yaml", tmp_path / "modelos.yaml"
    ladder.write_text(ATTACHED, encoding="utf-8")
    ours = (LADDER.parents[1] / "templates" / "padrao.yaml").read_text(encoding="utf-8")
    templates.write_text(ours.replace("\nbuttons: ", f"{WITH_PAGE}buttons: ", 1), encoding="utf-8")
    async with ladder_town(database, redis_url, tmp_path, ladder=ladder, templates=templates) as place:
        phone = await known(place)
        await walks_to(place, 2026, 12, 2, 8, 30)
        await phone.says("obrigada")
        await walks_to(place, 2026, 12, 2)
        await walks_to(place, 2026, 12, 2, 10, 1)  # one message in six seconds
        kinds = await place.ask("SELECT array_agg(body ->> 'type' ORDER BY id) FROM outbox WHERE purpose = 'reminder'")
        assert kinds == ["interactive", "sticker"]
        await walks_to(place, 2026, 12, 7)
        sent = "SELECT body FROM outbox WHERE body ->> 'type' = 'template' ORDER BY id DESC LIMIT 1"
        page = json.loads(await place.ask(sent))["template"]["components"][-1]
        assert (page["sub_type"], page["index"]) == ("url", "0")
        async with place.parts.http.get(f"{place.address}/pay/{page['parameters'][0]['text']}") as answer:
            assert answer.status == 200
        async with place.parts.http.post(f"{place.address}/pay/{page['parameters'][0]['text']}/opened") as answer:
            assert answer.status == 204
        assert await place.ask("SELECT opened_at IS NOT NULL FROM charge") is True


async def test_above_its_monthly_ceiling_the_ladder_falls_silent_until_the_next_month(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    """A reminder costs 0.0068 dollars; with a ceiling of one cent the second would pass it."""
    file = tmp_path / "regua.yaml"
    every_day = LATE.read_text(encoding="utf-8").replace("tracks:", "monthly: {ceiling: 0.01}\ntracks:")
    file.write_text(every_day, encoding="utf-8")
    async with ladder_town(database, redis_url, tmp_path, people=(owing(ANA, -40),), ladder=file) as place:
        await known(place)
        for month, day in ((12, 2), (12, 3), (12, 4), (12, 8), (12, 21)):
            await walks_to(place, 2026, month, day, 12)
        assert await place.ask("SELECT (kind, subject) = ('ceiling', '12/2026') FROM notice") is True
        assert await place.ask("SELECT count(*) FROM ladder_contact") == 1
