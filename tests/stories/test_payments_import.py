"""`acerto payments import`: with a plain Pix key the bank's statement is the confirmation."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from bot.cli.main import acerto
from bot.clock import movable_clock
from bot.engine.statements import BATCH, Outcome, take_in
from bot.sandbox.people import ANA, BRUNO
from bot.statements.reading import read_statement
from tests.kills import ended_at
from tests.owed import Owed, owed, part
from tests.processes import run
from tests.town import Town, town

ZONE = ZoneInfo("America/Sao_Paulo")
NOW = datetime(2026, 12, 1, 20, 0, tzinfo=UTC)


@pytest.fixture
async def plain(database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    """The program of a company that has a Pix key and nobody who confirms payments."""
    clock = movable_clock(tmp_path)
    async with town(
        database, redis_url, tmp_path, clock=clock, otherwise=lambda s: replace(s, pix=replace(s.pix, mode="static"))
    ) as running:
        yield running


def table(*rows: tuple[str, str, str]) -> bytes:
    return ("Data;Histórico;Valor\n" + "".join(f"{day};{text};{amount}\n" for day, text, amount in rows)).encode()


def reais(cents: int) -> str:
    return f"{cents // 100},{cents % 100:02}"


async def asked(place: Town) -> tuple[Any, int]:
    """Let Ana ask for her code. Return her phone and the amount."""
    phone = place.phone(ANA)
    await phone.says("oi", ANA.document[:3])
    await phone.taps("Pagar agora")
    return phone, await place.bank.amount_of(phone.pix_code())


async def takes(place: Town, source: bytes) -> dict[str, int]:
    async with place.parts.pool.acquire() as conn:
        done = await take_in(conn, read_statement(source), zone=place.parts.settings.timezone, now=place.clock.now())
    place.parts.wake.turns()
    await place.settled()
    return dict(done.counts)


async def command(place: Town, file: Path, *more: str) -> tuple[int, dict[str, Any], str]:
    """Run the real command beside the running program. Return its exit code, its JSON and what it said besides."""
    settings = place.parts.settings
    its_own = {"ACERTO_HOME": str(settings.home), "ACERTO_DATABASE_URL": str(settings.database_url)}
    done = await run("payments", "import", str(file), "--json", *more, environment={**os.environ, **its_own})
    return done.code, json.loads(done.out), done.told


async def test_who_paid_is_thanked_once_however_often_the_file_is_imported(plain: Town, tmp_path: Path) -> None:
    phone, cents = await asked(plain)
    day = f"{plain.clock.now().astimezone(ZONE):%d/%m/%Y}"
    file = tmp_path / "extrato.csv"
    file.write_bytes(table((day, "PIX RECEBIDO", reais(cents)), (day, "TARIFA", "-5,00"), (day, "PIX", "0,77")))
    _, would, _ = await command(plain, file, "--dry-run")
    assert (would["booked"], await plain.ask("SELECT count(*) FROM statement_line")) == (1, 0)
    done = await asyncio.gather(command(plain, file), command(plain, file))  # two at once
    assert [code for code, _, _ in done] == [0, 0]
    assert sorted((d["booked"], d["unknown"], d["known"], d["ignored"]) for _, d, _ in done) == [
        (0, 0, 2, 1),
        (1, 1, 0, 1),
    ]
    await plain.settled()
    assert "confirmado" in phone.last
    heard = len(phone.heard)
    assert (await takes(plain, file.read_bytes()))["known"] == 2
    assert len(phone.heard) == heard
    assert await plain.ask("SELECT state FROM debt WHERE external_id = $1", ANA.debts[0].external_id) == "paid"
    assert await plain.ask("SELECT sum(amount_cents) FROM ledger_posting WHERE account = 'bank'") == cents + 77
    assert await plain.ask("SELECT count(*) FROM statement_import") == 1


async def test_a_line_with_the_txid_of_the_code_is_its_payment_whatever_the_amount(plain: Town) -> None:
    phone, cents = await asked(plain)
    txid = await plain.ask("SELECT txid FROM charge")
    day = f"{plain.clock.now().astimezone(ZONE):%Y%m%d}"
    ofx = (
        f"OFXHEADER:100\n<OFX><STMTTRN><TRNTYPE>CREDIT<DTPOSTED>{day}<TRNAMT>{cents / 200:.2f}<FITID>1"
        f"<MEMO>PIX {txid.upper()}</STMTTRN></OFX>"
    )
    assert (await takes(plain, ofx.encode()))["booked"] == 1
    assert await plain.ask("SELECT amount_cents FROM payment") == round(cents / 2)
    assert "Ainda restam R$ 183,12" in phone.last  # a part payment earns no discount


async def test_what_is_not_certain_waits_for_people_with_what_it_may_be_for(plain: Town) -> None:
    phone = plain.phone(BRUNO)
    await phone.says("oi", BRUNO.document[:3])
    heard = len(phone.heard)
    day = f"{plain.clock.now().astimezone(ZONE):%d/%m/%Y}"
    assert (await takes(plain, table((day, "PIX DE ALGUEM", "77,77"))))["unknown"] == 1
    assert await plain.ask("SELECT surplus_cents = 7777 AND customer_id IS NULL FROM payment") is True
    assert json.loads(await plain.ask("SELECT proposal FROM payment"))["text"] == "PIX DE ALGUEM"
    assert await plain.ask("SELECT sum(amount_cents) FROM ledger_posting WHERE account = 'suspense'") == -7777
    assert len(phone.heard) == heard


async def imported(
    somebody: Owed, source: bytes, *, now: datetime = NOW, other_account: bool = False, batch_size: int = BATCH
) -> Outcome:
    statement = read_statement(source)
    async with somebody.pool.acquire() as conn:
        return await take_in(conn, statement, zone=ZONE, now=now, other_account=other_account, batch_size=batch_size)


async def charged(somebody: Owed, cents: int) -> int:
    charge_id, _ = await somebody.charged(part(await somebody.owes(cents), cents), provider="static")
    return charge_id


async def test_a_second_statement_does_not_book_on_a_charge_whose_payment_has_not_had_its_turn_yet(
    database: str,
) -> None:
    async with owed(database) as somebody:
        await charged(somebody, 10_000)
        assert (await imported(somebody, table(("01/12/2026", "PIX A", "100,00")))).counts["booked"] == 1
        both = table(("01/12/2026", "PIX A", "100,00"), ("01/12/2026", "PIX B", "100,00"))
        assert (await imported(somebody, both)).counts == {"known": 1, "proposed": 1}


async def test_a_line_on_which_nobody_has_decided_competes_with_those_of_later_statements(database: str) -> None:
    async with owed(database) as somebody:
        for _ in range(2):
            await charged(somebody, 10_000)
        assert (await imported(somebody, table(("01/12/2026", "PIX A", "100,00")))).counts["proposed"] == 1
        await somebody.pool.execute("UPDATE charge SET state = 'paid', paid_cents = 10000 WHERE no = 1")
        both = table(("01/12/2026", "PIX A", "100,00"), ("01/12/2026", "PIX B", "100,00"))
        assert (await imported(somebody, both)).counts == {"known": 1, "proposed": 1}


async def test_the_same_payment_told_by_another_kind_of_file_is_not_counted_twice(database: str) -> None:
    ofx = (
        "OFXHEADER:100\n<OFX><STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20261201<TRNAMT>100.00<FITID>1<MEMO>PIX</STMTTRN>"
        "<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20261201<TRNAMT>55.00<FITID>2<MEMO>PIX</STMTTRN></OFX>"
    )
    async with owed(database) as somebody:
        await charged(somebody, 10_000)
        await imported(somebody, table(("01/12/2026", "PIX A", "100,00")))
        told = await imported(somebody, ofx.encode())
        assert (told.counts, [e.line for e in told.errors]) == ({"known": 0, "unknown": 1}, [2])
        assert await somebody.one("SELECT count(*) FROM statement_line") == 2
        other = await imported(somebody, ofx.encode(), other_account=True)
        assert (other.counts, other.errors) == ({"known": 1, "proposed": 1}, ())


async def test_two_identifiers_of_the_bank_are_two_payments_however_alike(database: str) -> None:
    """Also where the second statement has not the first one's line: of another account, or of a part of the day."""
    async with owed(database) as somebody:
        for n in (1, 2):
            source = table(("01/12/2026", f"PIX E9990001120261201150{n}abcdefghijk", "100,00"))
            assert (await imported(somebody, source)).counts["unknown"] == 1
        assert await somebody.one("SELECT count(*) FROM payment") == 2


async def test_a_line_of_a_day_to_come_is_no_payment(database: str) -> None:
    async with owed(database) as somebody:
        await charged(somebody, 10_000)
        told = await imported(somebody, table(("02/12/2026", "PIX", "100,00"), ("01/12/2026", "PIX", "7,00")))
        assert (told.counts, [(e.line, e.field) for e in told.errors]) == ({"known": 0, "unknown": 1}, [(2, "date")])


async def test_a_line_counts_as_noon_of_its_day_and_never_as_later_than_now(database: str) -> None:
    async with owed(database) as somebody:
        early = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)  # six in the morning in São Paulo
        await imported(somebody, table(("30/11/2026", "PIX", "7,00"), ("01/12/2026", "PIX", "8,00")), now=early)
        rows = await somebody.pool.fetch("SELECT paid_at FROM payment ORDER BY paid_at")
        assert [row["paid_at"] for row in rows] == [datetime(2026, 11, 30, 15, 0, tzinfo=UTC), early]


async def test_ended_at_any_moment_and_repeated_each_line_is_taken_in_once(database: str) -> None:
    async with owed(database) as somebody:
        for n in range(60):
            cents = 10_000 + n
            await charged(somebody, cents)
            rows = (("PIX", reais(cents)), ("OUTRO", f"{n},33"), ("PIX", f"{n},99"))
            source = table(*(("01/12/2026", text, amount) for text, amount in rows))
            was_ended = await ended_at(imported(somebody, source, batch_size=1), n)
            again = await imported(somebody, source)
            assert sum(again.counts.values()) == 3
            assert await somebody.one("SELECT count(*) FROM inbox WHERE dedupe_key LIKE 'p:S%'") == n + 1
            assert await somebody.one("SELECT count(*) FROM payment WHERE source = 'statement'") == 2 * (n + 1)
            assert await somebody.one("SELECT count(*) FROM statement_import") == n + 1
            if not was_ended:
                break
        assert n > 12


def test_the_command_refuses_what_is_no_statement(tmp_path: Path) -> None:
    file = tmp_path / "foto.png"
    file.write_bytes(b"\x89PNG")
    done = CliRunner().invoke(acerto, ["payments", "import", str(file)])
    assert done.exit_code == 1
    assert "foto.png: the file is neither OFX nor a table" in done.output
    assert CliRunner().invoke(acerto, ["payments", "import", str(tmp_path / "none.csv")]).exit_code == 2


def test_the_command_refuses_to_count_what_a_provider_confirms(tmp_path: Path) -> None:
    file = tmp_path / "extrato.csv"
    file.write_bytes(table(("01/12/2026", "PIX", "7,00")))
    done = CliRunner().invoke(acerto, ["payments", "import", str(file)], env={"ACERTO_PIX": "api"})
    assert done.exit_code == 1
    assert "ACERTO_PIX=static" in done.output
