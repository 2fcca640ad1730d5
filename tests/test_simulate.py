"""Simulating the ladder: the same seed the same figures, nothing that must not happen, and a watchman who sees it."""

import json
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result

from bot.cli.main import acerto
from bot.sandbox.debtors import HABITS
from bot.sandbox.simulated import simulate, simulate_part
from bot.sandbox.simulated_costs import costs_by_month
from bot.sandbox.simulated_figures import Figures
from bot.sandbox.simulated_portfolio import Customer, customer_of
from bot.sandbox.simulated_setup import Setup
from bot.sandbox.simulated_watch import Watch
from bot.settings import Settings
from bot.web.simulation_plot import last_simulation
from flows.effects import Remind, Reminded
from flows.facts import Candidate, Rules
from flows.ladder import Ladder, read_ladder
from flows.ladder_templates import TemplateFact
from flows.prices import NotPriced
from payments.documents import NotADocument, read_document

START = date(2026, 11, 3)
SET = Settings(home=Path("unused"))
LADDER = SET.ladder
assert LADDER is not None
STRICT = LADDER.read_text("utf-8").replace("caps: {day: 1, week: 3}", "caps: {day: 1, week: 1}")
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
PLAIN = TemplateFact(name="venceu", parameters=("nome", "valor"))
DAYS = count(1)
NEUTRAL = TemplateFact(name="confirme_quem_e", parameters=("nome",))


def file(path: Path) -> tuple[str, bytes]:
    return path.name, path.read_bytes()


def setup(customers: int, days: int, *, seed: int = 1, ladder: str | None = None, within: str | None = None) -> Setup:
    """A simulation with the files that come with the program, or with other ladders."""
    assert LADDER is not None
    return Setup(
        seed=seed,
        customers=customers,
        days=days,
        start=START,
        zone="America/Sao_Paulo",
        rules=Rules(creditor_name="Escola Aurora", zone=SAO_PAULO),
        ladder_file=file(LADDER) if ladder is None else ("other.yaml", ladder.encode()),
        templates_file=file(SET.templates),
        policy_file=file(SET.policy_dir / "padrao.yaml"),
        prices_file=file(SET.prices),
        within_file=("within.yaml", within.encode()) if within is not None else None,
    )


@pytest.fixture(scope="module")
def month() -> Figures:
    """Two hundred people in thirty days."""
    return simulate_part(setup(200, 30), 1, 200)


def test_nothing_happens_that_must_not(month: Figures) -> None:
    assert [str(breach) for breach in month.breaches] == []


def test_everything_happens_that_a_ladder_is_for(month: Figures) -> None:
    wanted = (
        "reminders", "first_contacts", "answers", "confirmed", "wrong_numbers", "opted_out", "tickets", "agreements",
        "promises", "payments", "debts_paid",
    )  # fmt: skip
    assert [name for name in wanted if not month.total[name]] == []
    assert set(month.kinds) == set(HABITS)
    assert sum(month.kinds.values()) == 200


def test_the_figures_agree_with_one_another(month: Figures) -> None:
    days, steps, total = month.days.values(), month.steps.values(), month.total
    active = total["reminders"] + total["first_contacts"] + total["questions"]
    assert sum(day.sent for day in days) == sum(month.sent_by_hour) == active
    assert sum(step.sent for step in steps) == total["reminders"] + total["first_contacts"]
    assert sum(day.answers for day in days) == sum(month.answers_by_hour) == total["answers"]
    assert sum(month.messages.values()) == active + total["answers"]
    assert {category for _, category, _ in month.messages} == {"service", "utility"}
    assert sum(day.paid_cents for day in days) == total["recovered_cents"] > 0
    assert sum(day.paid for day in days) == total["payments"]
    assert sum(day.agreements for day in days) == total["agreements"]
    assert all(step.read <= step.sent or name.startswith("ticket") for (name, _), step in month.steps.items())


def test_the_same_seed_gives_the_same_whatever_the_number_of_processes() -> None:
    here = simulate(setup(300, 12), processes=1)
    assert simulate(setup(300, 12), processes=2) == here
    assert simulate(setup(300, 12, seed=2), processes=1) != here


def test_each_message_costs_what_its_day_costs_and_the_free_ones_of_the_month_nothing() -> None:
    counted: dict[tuple[date, str, bool], int] = {
        (date(2026, 9, 30), "service", True): 5000,  # nothing before October
        (date(2026, 9, 30), "utility", True): 10,  # nor templates inside the window
        (date(2026, 9, 30), "utility", False): 10,
        (date(2026, 11, 3), "service", True): 700,
        (date(2026, 11, 4), "service", True): 500,  # 200 more than are free
        (date(2026, 11, 4), "utility", True): 100,
        (date(2026, 11, 5), "marketing", False): 2,
        (date(2026, 12, 1), "service", True): 900,
    }
    costs = costs_by_month(Figures(messages=Counter(counted)), setup(1, 1).prices)
    wanted = {9: "0.0680", 11: "2.1650", 12: "0"}  # 0.0068 each, marketing 0.0625
    assert costs == {date(2026, month, 1): Decimal(cost) for month, cost in wanted.items()}
    with pytest.raises(NotPriced):
        costs_by_month(Figures(messages=Counter({(date(2026, 5, 1), "service", True): 1})), setup(1, 1).prices)


def test_a_ladder_that_is_rolled_out_in_steps_reaches_few_first() -> None:
    assert LADDER is not None
    slow = LADDER.read_text("utf-8") + "\nrollout: {percent: [1, 100], days_each: 9}\n"
    few, all_ = (simulate_part(setup(200, 8, ladder=ladder), 1, 200).total for ladder in (slow, None))
    assert few["reminders"] + few["first_contacts"] < (all_["reminders"] + all_["first_contacts"]) / 10


def test_documents_and_debts_of_the_portfolio_are_ones_that_the_program_takes() -> None:
    people = [customer_of(7, number, START) for number in range(1, 300)]
    assert not any(isinstance(read_document(one.candidate.document), NotADocument) for one in people)
    assert all(owed.since >= START and owed.debt.principal_cents > 0 for one in people for owed in one.owed)
    assert len({owed.debt.id for one in people for owed in one.owed}) == sum(len(one.owed) for one in people)


# --- the watchman ------------------------------------------------------------------------------


def ladder(source: str | None = None) -> Ladder:
    assert LADDER is not None
    read = read_ladder(source.encode() if source else LADDER.read_bytes(), name="padrao.yaml")
    assert isinstance(read, Ladder)
    return read


def somebody(state: str = "SP", zone: str = "America/Sao_Paulo", *, known: bool = True) -> Customer:
    return Customer(
        candidate=Candidate(customer_id=5, name="Ana Souza", document="52998224725"),
        kind="payer",
        phone="5511987654321",
        state=state,
        zone=zone,
        owed=(),
        late_before=0,
        tenure_days=9,
        is_known=known,
        opted_in=True,
    )


def reminder(debt_id: int = 50, n: int = -1, *, day: int | None = None) -> Remind:
    """A reminder of one thing, of another step each time."""
    item = Reminded(
        debt_id=debt_id,
        n=n,
        count=0,
        day=next(DAYS) if day is None else day,
        due_on=START,
        payable_on=START,
        cents=100,
        open_cents=100,
        description="",
    )
    return Remind(
        template="venceu", customer_id=5, items=(item,), choices=(), until=datetime(2026, 12, 1, tzinfo=UTC), track=""
    )


def local(day: int, hour: int = 10, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=SAO_PAULO).astimezone(UTC)


def rules_broken(watch: Watch) -> list[str]:
    return [breach.rule for breach in watch.breaches]


def watching(*, state: str = "SP", zone: str = "America/Sao_Paulo") -> Watch:
    return Watch(ladder(), somebody(state, zone))


@pytest.mark.parametrize(
    ("at", "who", "broken"),
    [
        (local(4), {}, []),
        (local(4, 8), {}, []),
        (local(4, 20), {}, []),
        (local(4, 7, 59), {}, ["hours", "hours"]),  # on both clocks
        (local(4, 20, 1), {}, ["hours", "hours"]),
        (local(7, 14), {}, []),  # a Saturday
        (local(7, 14, 1), {}, ["hours", "hours"]),
        (local(8), {}, ["hours", "hours"]),  # a Sunday
        (local(20), {}, ["hours", "hours"]),  # Consciência Negra
        (local(25, month=12), {}, ["hours", "hours"]),  # Natal
        (local(4, 8), {"state": "RJ"}, ["hours", "hours"]),
        (local(7), {"state": "RJ"}, ["hours", "hours"]),
        (local(4, 9), {"state": "RJ"}, []),
        (local(4, 19, 30), {"state": "AM", "zone": "America/Manaus"}, ["hours"]),  # 18:30 there, after 19 here
        (local(4, 9), {"state": "AC", "zone": "America/Rio_Branco"}, ["hours"]),  # seven in the morning there
        (local(4, 10), {"state": "AC", "zone": "America/Rio_Branco"}, []),
    ],
)
def test_the_watchman_knows_the_hours(at: datetime, who: dict[str, str], broken: list[str]) -> None:
    watch = watching(**who)
    watch.reminded(reminder(), PLAIN, at)
    assert rules_broken(watch) == broken


def test_the_watchman_counts_what_nobody_asked_for() -> None:
    watch = watching()
    for day in (3, 4, 5):
        watch.reminded(reminder(), PLAIN, local(day))
    assert rules_broken(watch) == []
    watch.asked(local(9))  # the seventh day
    assert rules_broken(watch) == ["cap of the week"]
    watch.reminded(reminder(), PLAIN, local(13))
    watch.reminded(reminder(), PLAIN, local(13, 15))
    assert rules_broken(watch)[1:] == ["cap of the day"]


def test_the_watchman_knows_what_is_not_owed() -> None:
    watch = watching()
    watch.paid(50)
    watch.reminded(reminder(51), PLAIN, local(3))
    assert rules_broken(watch) == []
    watch.reminded(reminder(50), PLAIN, local(4))
    watch.agreed(51)
    watch.paid(51, 1)
    watch.reminded(reminder(51), PLAIN, local(10))
    watch.reminded(reminder(51, 1), PLAIN, local(11))
    assert rules_broken(watch) == ["paid", "paid", "paid"]
    watch.reminded(reminder(51, 2), PLAIN, local(12))
    watch.agreement_ended(51, 3)
    watch.reminded(reminder(51), PLAIN, local(18))
    assert len(watch.breaches) == 3
    watch.reminded(reminder(51, 2), PLAIN, local(19))
    assert len(watch.breaches) == 4


def test_the_watchman_hears_a_step_that_is_said_twice() -> None:
    watch = watching()
    watch.reminded(reminder(50, day=2), PLAIN, local(3))
    watch.reminded(reminder(51, day=2), PLAIN, local(4))
    watch.reminded(reminder(50, day=7), PLAIN, local(5))
    assert rules_broken(watch) == []
    watch.reminded(reminder(50, day=2), PLAIN, local(12))
    assert rules_broken(watch) == ["once"]


def test_the_watchman_holds_news_of_an_agreement_to_the_hours_alone() -> None:
    watch = watching()
    for _ in range(5):
        watch.told(local(3))
    watch.opted(out=True)
    watch.told(local(3))
    assert rules_broken(watch) == []
    watch.told(local(8))
    assert rules_broken(watch) == ["hours", "hours"]


def test_the_watchman_waits_for_a_promised_day() -> None:
    watch = watching()
    watch.promised(50, date(2026, 11, 5))
    watch.reminded(reminder(50), PLAIN, local(5))
    watch.reminded(reminder(50), PLAIN, local(6))
    assert rules_broken(watch) == ["promise"]


@pytest.mark.parametrize("why", ["opt-out", "ticket", "identity"])
def test_the_watchman_hears_who_wants_silence(why: str) -> None:
    watch = watching()
    {
        "opt-out": lambda: watch.opted(out=True),
        "ticket": lambda: watch.ticket(is_open=True),
        "identity": watch.is_somebody_else,
    }[why]()
    watch.asked(local(4))
    assert rules_broken(watch) == [why]


def test_the_watchman_guards_who_has_not_said_who_they_are() -> None:
    watch = Watch(ladder(), somebody(known=False))
    first = Remind(
        template="confirme_quem_e",
        customer_id=5,
        items=(),
        choices=(),
        until=local(4),
        track="",
        purpose="first_contact",
    )
    watch.reminded(first, NEUTRAL, local(3))
    assert rules_broken(watch) == []
    watch.reminded(first, PLAIN, local(4))
    watch.reminded(reminder(), PLAIN, local(5))
    assert rules_broken(watch) == ["identity", "identity"]
    watch.confirmed()
    watch.reminded(reminder(), PLAIN, local(12))
    assert len(watch.breaches) == 2


# --- the command -------------------------------------------------------------------------------


def run(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(
        acerto,
        ["simulate", "--start", START.isoformat(), "--customers", "60", "--days", "20", *arguments],
        env={"ACERTO_HOME": str(home)},
    )


def test_the_command_prints_tables_and_leaves_its_figures_for_finance(tmp_path: Path) -> None:
    done = run(tmp_path, "--seed", "3")
    assert done.exit_code == 0, done.output
    assert "lembrete_amigavel" in done.output
    assert "no breaches" in done.output
    kept = json.loads((tmp_path / "simulations" / "last.json").read_text("utf-8"))
    assert (kept["days"], kept["customers"], kept["seed"]) == (20, 60, 3)
    assert [day["day"] for day in kept["by_day"]] == list(range(20))
    assert set(kept["by_day"][0]) >= {"day", "sent", "paid", "agreements"}
    assert len(kept["by_hour"]) == 24
    read = last_simulation(tmp_path)  # as the page of the ladders does
    assert read is not None
    assert (read.currency, read.cost) == ("USD", Decimal(kept["cost"]))
    assert float(kept["cost"]) > 0
    assert f"in all: USD {kept['cost']}" in done.output
    assert sum(day["sent"] for day in kept["by_day"]) == sum(kept["by_hour"]) > 0


def test_a_breach_ends_the_command_with_one_and_says_who_when_and_why(tmp_path: Path) -> None:
    strict = tmp_path / "strict.yaml"
    strict.write_text(STRICT, "utf-8")
    done = run(tmp_path, "--within", str(strict))
    assert done.exit_code == 1
    assert "UTC: cap of the week: 2 in the seven days to 2026-11-" in done.output
    assert not any(name in done.output for name in ("Souza", "Carvalho", "Ana "))


def test_what_has_no_price_is_told_and_a_ceiling_too(tmp_path: Path) -> None:
    told = run(tmp_path, "--start", "2026-05-04")
    assert told.exit_code == 0, told.output
    assert "What it costs cannot be told: no price of " in told.output
    assert "cost" not in json.loads((tmp_path / "simulations" / "last.json").read_text("utf-8"))
    low = tmp_path / "low.yaml"
    low.write_text(STRICT + "\nmonthly: {ceiling: 0.10}\n", "utf-8")
    done = run(tmp_path, "--ladder", str(low))
    assert "2026-11 is above the ladder's ceiling of USD 0.10:" in done.output


def test_a_ladder_with_mistakes_is_told_with_its_lines(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(STRICT.replace("template: venceu,", "template: nada_disso,"), "utf-8")
    done = run(tmp_path, "--ladder", str(wrong))
    assert done.exit_code == 1
    assert "wrong.yaml:" in done.output
    assert "nada_disso" in done.output
    assert not (tmp_path / "simulations").exists()
