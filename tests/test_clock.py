"""Now: the machine's, or one that can be moved and stopped and is shared by every process of a home."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import time_machine

from bot.clock import FixedClock, MovableClock, SystemClock, clock_of, movable_clock

MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)
BRASILIA = timezone(timedelta(hours=-3))


@time_machine.travel(MONDAY, tick=False)
def test_the_machines_now_is_aware_and_utc() -> None:
    assert SystemClock().now() == MONDAY
    assert SystemClock().now().tzinfo is UTC


def test_a_fixed_clock_stands_still_in_utc() -> None:
    clock = FixedClock(datetime(2026, 11, 23, 9, tzinfo=BRASILIA))
    assert clock.now() == MONDAY
    assert clock.now().tzinfo is UTC


@pytest.mark.parametrize("by", [timedelta(days=20), timedelta(days=-20), timedelta(microseconds=1), timedelta()])
def test_a_moved_clock_goes_on_from_there_for_every_process_and_after_a_restart(tmp_path: Path, by: timedelta) -> None:
    with time_machine.travel(MONDAY, tick=False) as machine:
        clock, another = movable_clock(tmp_path), movable_clock(tmp_path)
        assert clock.move(by) == MONDAY + by
        assert another.now() == MONDAY + by
        machine.shift(60)
        assert another.now() == MONDAY + by + timedelta(minutes=1)
        restarted = clock_of(tmp_path)
        assert restarted is not None
        assert restarted.now() == clock.now()


def test_moves_add_up_whoever_makes_them(tmp_path: Path) -> None:
    with time_machine.travel(MONDAY, tick=False):
        clock, another = movable_clock(tmp_path), movable_clock(tmp_path)
        clock.move(timedelta(hours=1))
        another.move(timedelta(hours=2))
        assert clock.now() == MONDAY + timedelta(hours=3)


def test_a_stopped_clock_moves_only_when_it_is_moved(tmp_path: Path) -> None:
    clock = MovableClock(tmp_path / "clock")
    at = datetime(2027, 1, 31, 9, tzinfo=BRASILIA)
    assert clock.freeze(at) == at
    assert clock.now() == at
    assert clock.now().tzinfo is UTC
    assert clock.move(timedelta(days=1)) == at + timedelta(days=1)
    assert MovableClock(tmp_path / "clock").now() == at + timedelta(days=1)


def test_a_clock_set_anew_goes_on_from_there(tmp_path: Path) -> None:
    with time_machine.travel(MONDAY, tick=False) as machine:
        clock = movable_clock(tmp_path)
        clock.set(datetime(2026, 12, 1, 9, tzinfo=BRASILIA))
        machine.shift(60)
        assert clock.now() == datetime(2026, 12, 1, 9, 1, tzinfo=BRASILIA)


def test_a_home_without_a_demo_has_no_clock_to_move(tmp_path: Path) -> None:
    assert clock_of(tmp_path) is None
