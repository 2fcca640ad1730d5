"""`acerto payments import`: with a plain Pix key the bank's statement is the confirmation."""

import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from click.testing import CliRunner

from bot.cli.main import acerto
from bot.engine.statements import Outcome, take_in
from bot.sandbox.people import ANA, BRUNO
from bot.statements.reading import read_statement
from tests.kills import ended_at
from tests.owed import owed, part
from tests.town import Town

ZONE = ZoneInfo("America/Sao_Paulo")
NOW = datetime(2026, 12, 1, 20, 0, tzinfo=UTC)


def table(*rows: tuple[str, str, str]) -> bytes:
    return ("Data;Histórico;Valor\n" + "".join(f"{day};{text};{amount}\n" for day, text, amount in rows)).encode()


async def takes(place: Town, source: bytes) -> dict[str, int]:
    async with place.parts.pool.acquire() as conn:
        done = await take_in(
            conn, read_statement(source).lines, zone=place.parts.settings.timezone, now=place.clock.now()
        )
    place.parts.wake.turns()
    await place.settled()
    return dict(done.counts)


async def test_a_payment_that_the_statement_tells_of_is_booked_and_thanked_once(place: Town) -> None:
    phone = place.phone(ANA)
    await phone.says("oi", ANA.document[:3])
    await phone.taps("Pagar agora")
    cents = await place.bank.amount_of(phone.pix_code())
    day = f"{place.clock.now():%d/%m/%Y}"
    source = table((day, "PIX RECEBIDO", f"{cents / 100:.2f}".replace(".", ",")))
    assert (await takes(place, source))["booked"] == 1
    assert "confirmado" in phone.last
    heard = len(phone.heard)
    assert (await takes(place, source))["known"] == 1
    assert len(phone.heard) == heard
    assert await place.ask("SELECT state FROM debt WHERE external_id = $1", ANA.debts[0].external_id) == "paid"


async def test_what_is_not_certain_waits_for_people_with_what_it_may_be_for(place: Town) -> None:
    phone = place.phone(BRUNO)
    await phone.says("oi", BRUNO.document[:3])
    source = table(("01/12/2026", "PIX DE ALGUEM", "77,77"))
    assert (await takes(place, source))["unknown"] == 1
    row = await place.ask("SELECT surplus_cents = 7777 AND customer_id IS NULL FROM payment")
    assert row is True
    assert json.loads(await place.ask("SELECT proposal FROM payment"))["text"] == "PIX DE ALGUEM"
    assert await place.ask("SELECT sum(amount_cents) FROM ledger_posting WHERE account = 'suspense'") == -7777


async def test_ended_at_any_moment_and_repeated_each_line_is_taken_in_once(database: str) -> None:
    async with owed(database) as somebody:
        for n in range(60):
            debt = await somebody.owes(10_000 + n)
            await somebody.charged(part(debt, 10_000 + n), provider="static")
            source = table(("01/12/2026", "PIX", f"{(10_000 + n) / 100:.2f}"), ("01/12/2026", f"OUTRO {n}", "3.33"))
            lines = read_statement(source).lines

            async def take(lines: object = lines) -> Outcome:
                async with somebody.pool.acquire() as conn:
                    return await take_in(conn, lines, zone=ZONE, now=NOW)  # type: ignore[arg-type]  # the loop's own

            was_ended = await ended_at(take(), n)
            await take()
            assert await somebody.one("SELECT count(*) FROM inbox WHERE dedupe_key LIKE 'p:S%'") == n + 1
            assert await somebody.one("SELECT count(*) FROM payment WHERE source = 'statement'") == n + 1
            if not was_ended:
                break
        assert n > 5


def test_the_command_refuses_what_is_no_statement(tmp_path: Path) -> None:
    file = tmp_path / "foto.png"
    file.write_bytes(b"\x89PNG")
    done = CliRunner().invoke(acerto, ["payments", "import", str(file)])
    assert done.exit_code == 1
    assert "foto.png: the file is neither OFX nor a table" in done.output
