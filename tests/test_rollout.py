"""A new ladder reaches few people first, and nobody more where too many of them turn away."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.people import ANA
from flows.ladder import Ladder, read_ladder
from flows.rollout import is_among, must_stop, percent_at
from tests.ladder_town import ladder_town, owing, walks_to

SOURCE = (Path(__file__).parents[1] / "flows" / "ladders" / "preventiva.yaml").read_text(encoding="utf-8")
STEPWISE = SOURCE.replace("tracks:", "rollout: {percent: [1, 10, 100], days_each: 2, stop_percent: 2.00}\ntracks:")
FIRST = datetime(2026, 12, 1, 12, tzinfo=UTC)


def cpf(n: int) -> str:
    """Return a CPF with valid check digits."""
    digits = [int(digit) for digit in f"{n:09}"]
    for _ in range(2):
        weighed = sum(digit * weight for digit, weight in zip(reversed(digits), range(2, 12), strict=False))
        digits.append(0 if weighed % 11 < 2 else 11 - weighed % 11)
    return "".join(map(str, digits))


def ladder(source: str = STEPWISE) -> Ladder:
    read = read_ladder(source.encode(), name="x.yaml")
    assert isinstance(read, Ladder), read
    return read


@pytest.mark.parametrize(("days", "percent"), [(-1, 1), (0, 1), (1.9, 1), (2, 10), (3.9, 10), (4, 100), (400, 100)])
def test_a_stage_lasts_its_days(days: float, percent: int) -> None:
    assert percent_at(ladder(), FIRST, FIRST + timedelta(days=days)) == percent


def test_without_a_roll_out_everybody_is_reached() -> None:
    assert percent_at(ladder(SOURCE), FIRST, FIRST) == 100


@given(st.integers(1, 10**9))
def test_who_is_among_the_first_stays_so(customer: int) -> None:
    reached = [is_among("d", customer, Decimal(p)) for p in (0, 1, 10, 50, 100)]
    assert reached == sorted(reached)
    assert (reached[0], reached[-1]) == (False, True)


def test_a_stage_is_about_as_large_as_it_says() -> None:
    assert 800 < sum(is_among("digest", n, Decimal(10)) for n in range(10_000)) < 1200


@pytest.mark.parametrize(
    ("contacted", "turned_away", "stops"),
    [(19, 19, False), (20, 0, False), (50, 1, False), (50, 2, True), (20, 1, True)],
)
def test_too_many_who_turn_away_stop_it(contacted: int, turned_away: int, stops: bool) -> None:
    rollout = ladder().rollout
    assert rollout is not None
    assert must_stop(rollout, contacted=contacted, turned_away=turned_away) is stops


@pytest.mark.parametrize("percent", ["[1, 10]", "[10, 1, 100]", "[100, 100]"])
def test_stages_that_do_not_rise_to_all_are_refused(percent: str) -> None:
    read = read_ladder(STEPWISE.replace("[1, 10, 100]", percent).encode(), name="x.yaml")
    assert isinstance(read, tuple)
    assert "do not rise to 100" in read[0].reason


async def test_people_who_turn_away_stop_the_ladder_for_all_others(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    """Twenty-two people are written to and one asks for silence: the next step reaches nobody."""
    file = tmp_path / "regua.yaml"
    file.write_text(STEPWISE.replace("[1, 10, 100]", "[100]"), encoding="utf-8")
    people = [
        owing(replace(ANA, customer_id=f"C-{n}", phone=f"55119876{n:05}", document=cpf(n)), 7) for n in range(10, 32)
    ]
    first = replace(people[0], account=replace(ANA.account, wa_id=people[0].phone))
    async with ladder_town(database, redis_url, tmp_path, people=[first, *people[1:]], ladder=file) as place:
        await walks_to(place, 2026, 12, 5)
        assert await place.ask("SELECT count(*) FROM ladder_contact") == 22
        await place.phone(first).says("pare de me mandar mensagens")
        await walks_to(place, 2026, 12, 7)
        await walks_to(place, 2026, 12, 8)
        assert await place.ask("SELECT stopped_because FROM ladder_version") == "turned_away"
        assert await place.ask("SELECT kind FROM notice") == "ladder_stopped"
        assert await place.ask("SELECT count(*) FROM ladder_contact") == 22
