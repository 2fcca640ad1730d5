"""The ladder file is read to the letter; what cannot be read, or does not fit its templates, is told with its line."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import time
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.ladder_check import Checked, check_ladder
from flows.ladder import Ladder, read_ladder
from flows.ladder_parts import Media, StepWhen, TrackWhen
from flows.ladder_templates import TemplateFact, misfits
from tests.tables import table

FLOWS = Path(__file__).parent.parent / "flows"
SAMPLE = FLOWS / "ladders" / "padrao.yaml"
TEMPLATES = FLOWS / "templates" / "padrao.yaml"


def sample_with(*changes: tuple[str, str]) -> bytes:
    """The sample with some of its text replaced; each piece has to be there."""
    text = SAMPLE.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text.encode()


def read(*changes: tuple[str, str]) -> Ladder:
    found = read_ladder(sample_with(*changes), name="padrao.yaml")
    assert isinstance(found, Ladder), [str(one) for one in found]
    return found


def mistakes(source: bytes) -> list[str]:
    found = read_ladder(source, name="r.yaml")
    assert isinstance(found, tuple)
    return [str(one) for one in found]


def test_the_sample_reads_to_the_letter() -> None:
    ladder = read()
    assert ladder.digest == hashlib.sha256(SAMPLE.read_bytes()).hexdigest()
    assert (ladder.name, ladder.title, ladder.timezone.key) == ("padrao", "Régua padrão", "America/Sao_Paulo")
    assert (ladder.hours.weekdays, ladder.hours.saturday) == ((time(8), time(20)), (time(8), time(14)))
    assert (ladder.hours.sunday, ladder.hours.holidays, ladder.hours.states) == (None, None, frozenset({"SP"}))
    assert (ladder.at, ladder.caps.day, ladder.caps.week, ladder.prescription_years) == (time(10), 1, 3, 5)
    good, standard = ladder.tracks
    assert (good.name, standard.name, standard.when) == ("bom-pagador", "padrao", None)
    assert [step.day for step in good.steps] == [-3, 0, 2, 7, 8, 15]
    assert [step.day for step in standard.steps] == [-7, -5, -3, -1, 0, 2, 7, 8, 15, 22]
    assert (good.steps[3].at, good.steps[4].ticket, good.steps[1].attach) == (time(11), "financeiro", "pix_qr")
    assert standard.steps[1].when == StepWhen(read_unpaid="true")
    assert standard.steps[-1].days == (22, 29, 36, 43)
    assert (ladder.rollout, ladder.monthly, ladder.only_opted_in) == (None, None, False)


@pytest.mark.parametrize("file", sorted((FLOWS / "ladders").iterdir()), ids=lambda file: str(file.stem))
def test_every_ladder_that_we_bring_fits_the_templates_that_we_bring(file: Path) -> None:
    checked = check_ladder(file, TEMPLATES)
    assert isinstance(checked.ladder, Ladder)
    assert checked.mistakes == ()
    # -7, -5 (for who read), -3 and -1 are four in seven days for those who read: one of them waits.
    assert [one.line for one in checked.warnings] == ([27] if file == SAMPLE else [])


def test_what_is_not_written_has_its_usual_value() -> None:
    hours, tracks = "contact_hours: {monday_to_friday: open}", "tracks: [{name: t, steps: [{day: 0, ticket: f}]}]"
    ladder = read_ladder(f"ladder: a\ntitle: A\n{hours}\n{tracks}".encode(), name="a.yaml")
    assert isinstance(ladder, Ladder)
    assert ladder.timezone.key == "America/Sao_Paulo"
    assert ladder.hours.weekdays == (time(0), time(23, 59))
    assert (ladder.hours.saturday, ladder.hours.sunday, ladder.hours.holidays) == (None, None, None)
    assert (ladder.at, ladder.caps.day, ladder.caps.week) == (time(10), 1, 3)
    assert (ladder.first_contact, ladder.group) == ("confirme_quem_e", "varias_faturas")


def test_what_may_be_added_is_read() -> None:
    ladder = read(
        (
            "title: Régua padrão",
            "title: Régua padrão\nprescription_years: 3\nonly_opted_in: true\nfirst_contact: quem\ngroup: varias\n"
            "rollout: {percent: [5, 100], days_each: 1, stop_percent: 3.50}\nmonthly: {ceiling: 1500.00}",
        ),
        ("when: {read_unpaid: true}", "when: {clicked: true, replied: false, promised: true}"),
        ("attach: pix_qr", 'attach: {audio: "https://aurora.example/a.mp3"}'),
    )
    assert (ladder.prescription_years, ladder.only_opted_in) == (3, True)
    assert (ladder.first_contact, ladder.group) == ("quem", "varias")
    assert ladder.rollout is not None
    assert (ladder.rollout.percent, ladder.rollout.days_each) == ((Decimal(5), Decimal(100)), 1)
    assert ladder.rollout.stop_percent == Decimal("3.50")
    assert ladder.monthly is not None
    assert ladder.monthly.ceiling == 150000
    media = ladder.tracks[0].steps[1].attach
    assert isinstance(media, Media)
    assert (media.kind, media.link) == ("audio", "https://aurora.example/a.mp3")
    when = ladder.tracks[1].steps[1].when
    assert when is not None
    assert (when.read_unpaid, when.clicked, when.replied, when.promised) == (None, True, False, True)


WEEK = '"08:00", "20:00"'
STEP = "{day: -3, template: lembrete_amigavel}"
TICKET = "{day: 8, ticket: financeiro}"
MORE = "title: Régua padrão\n"
WRONG = [
    ("ladder: padrao\n", "", 3, "ladder: the key is missing"),
    ("title: Régua padrão", "title:", 4, "title: nothing is no name"),
    ("America/Sao_Paulo", "America/Sampa", 5, 'timezone: "America/Sampa" is no time zone'),
    (WEEK, '"8:00", "20:00"', 7, 'contact_hours.monday_to_friday: "8:00" is no time of day'),
    (WEEK, '"20:00", "08:00"', 7, "contact_hours.monday_to_friday: the hours are the wrong way round"),
    (WEEK, '"08:00"', 7, "contact_hours.monday_to_friday: this is neither closed nor two times of day"),
    (f"[{WEEK}]", '"08:00-20:00"', 7, "contact_hours.monday_to_friday: this is neither closed nor two times of day"),
    ("sunday: closed", "sunday: maybe", 9, "contact_hours.sunday: this is neither closed nor two times of day"),
    ("holidays: closed ", "feriados: closed ", 10, "contact_hours.feriados: the key is unknown"),
    ("state: SP", "state: XX", 11, 'contact_hours.state: "XX" is no state'),
    ('at: "10:00"', 'at: "25:00"', 12, 'at: "25:00" is no time of day'),
    ('at: "10:00"', "at: 10h", 12, 'at: "10h" is no time of day'),
    ("day: 1, week: 3", "day: 0, week: 3", 13, 'caps.day: "0" is too small'),
    ("day: 1, week: 3", "day: 1, week: 101", 13, 'caps.week: "101" is too large'),
    ("day: 1, week: 3", "day: 1, month: 3", 13, "caps.month: the key is unknown"),
    ("{to: 0}", "{to: x}", 17, 'tracks[0].when.late_before.to: "x" is no whole number'),
    ("{to: 0}", "{from: 3, to: 0}", 17, "tracks[0].when.late_before: the range is the wrong way round"),
    ("late_before", "lateness", 17, "tracks[0].when.lateness: the key is unknown"),
    (STEP, "{day: -61, template: a}", 19, 'tracks[0].steps[0].day: "-61" is too small'),
    (STEP, "{day: 1831, template: a}", 19, 'tracks[0].steps[0].day: "1831" is too large'),
    (STEP, "{day: 1.5, template: a}", 19, 'tracks[0].steps[0].day: "1.5" is no whole number'),
    (STEP, "{template: a}", 19, "tracks[0].steps[0].day: the key is missing"),
    (STEP, "{day: -3}", 19, "tracks[0].steps[0]: a step is either a template or a ticket"),
    (STEP, "{day: -3, template: a, ticket: b}", 19, "tracks[0].steps[0]: a step is either a template or a ticket"),
    (STEP, "{day: -3, template: Lembrete}", 19, 'tracks[0].steps[0].template: "Lembrete" is no template name'),
    (STEP, '{day: -3, template: a, at: "24:00"}', 19, 'tracks[0].steps[0].at: "24:00" is no time of day'),
    ("attach: pix_qr", "attach: boleto", 20, 'tracks[0].steps[1].attach: "boleto" cannot be attached'),
    ("attach: pix_qr", "attach: [pix_qr]", 20, "tracks[0].steps[1].attach: a list is not possible here"),
    ("attach: pix_qr", "attach: {}", 20, "tracks[0].steps[1].attach: this is not one attachment"),
    (
        "attach: pix_qr",
        'attach: {sticker: "http://a.example/a.webp"}',
        20,
        'tracks[0].steps[1].attach.sticker: "http://a.example/a.webp" is no address that WhatsApp can fetch',
    ),
    (
        "attach: pix_qr",
        'attach: {sticker: "https://a.example/a", audio: "https://a.example/b"}',
        20,
        "tracks[0].steps[1].attach: this is not one attachment",
    ),
    (TICKET, "{day: 8, ticket: f, attach: pix_qr}", 23, "tracks[0].steps[4]: a ticket has neither attachment nor"),
    (TICKET, "{day: 8, ticket: f, repeat: {every_days: 1, times: 1}}", 23, "tracks[0].steps[4]: a ticket has neither"),
    (
        "  - name: padrao\n    steps:",
        "  - name: padrao\n    steps: []\n    x:",
        27,
        "tracks[1].steps: the track has no",
    ),
    ("read_unpaid: true", "read_unpaid: maybe", 29, 'tracks[1].steps[1].when.read_unpaid: "maybe" is neither true'),
    ("{read_unpaid: true}", "{}", 29, "tracks[1].steps[1].when: the condition says nothing"),
    ("read_unpaid: true", "read: true", 29, "tracks[1].steps[1].when.read: the key is unknown"),
    ("every_days: 7", "every_days: 0", 37, 'tracks[1].steps[9].repeat.every_days: "0" is too small'),
    ("times: 3", "times: 61", 37, 'tracks[1].steps[9].repeat.times: "61" is too large'),
    (", times: 3", "", 37, "tracks[1].steps[9].repeat.times: the key is missing"),
    ("    when: {late_before: {to: 0}}\n", "", 25, 'tracks[1]: "padrao" is never reached: "bom-pagador" before it'),
    ("name: bom-pagador", "name: padrao", 26, 'tracks[1].name: two tracks are called "padrao"'),
    ("{day: 2, template", "{day: 0, template", 21, "tracks[0].steps[2].day: two messages stand on day 0"),
    ("{day: 7, template: proposta}", TICKET, 35, "tracks[1].steps[7].day: two tickets stand on day 8"),
    (MORE, f"{MORE}prescription_years: 0\n", 5, 'prescription_years: "0" is too small'),
    (MORE, f"{MORE}only_opted_in: sim\n", 5, 'only_opted_in: "sim" is neither true nor false'),
    (MORE, f"{MORE}rollout: {{percent: [10, 1, 100]}}\n", 5, "rollout: the stages do not rise to 100"),
    (MORE, f"{MORE}rollout: {{percent: [1, 10]}}\n", 5, "rollout: the stages do not rise to 100"),
    (MORE, f"{MORE}rollout: {{percent: []}}\n", 5, "rollout: the stages do not rise to 100"),
    (MORE, f"{MORE}monthly: {{ceiling: muito}}\n", 5, 'monthly.ceiling: "muito" is no amount'),
    (MORE, f"{MORE}first_contact: Quem\n", 5, 'first_contact: "Quem" is no template name'),
]


@pytest.mark.parametrize(("old", "new", "line", "begins"), WRONG)
def test_a_mistake_is_told_with_its_line_and_path_and_what_to_do(old: str, new: str, line: int, begins: str) -> None:
    found = mistakes(sample_with((old, new)))
    assert any(one.startswith(f"r.yaml:{line}: {begins}") for one in found), found
    assert all(one.endswith(".") and one.count(". ") >= 1 for one in found)
    if not new.endswith("x:"):
        assert len(found) == 1, found


def test_all_mistakes_are_told_in_the_order_of_lines() -> None:
    source = sample_with((TICKET, "{day: 8}"), ("state: SP", "state: sp"), ("times: 3", "times: x"))
    assert [one.split(": ")[0] for one in mistakes(source)] == ["r.yaml:11", "r.yaml:23", "r.yaml:37"]


@pytest.mark.parametrize(
    ("source", "first"),
    [
        (b"", "r.yaml:1: nothing stands where a mapping belongs"),
        (b"- a", "r.yaml:1: a list stands where a mapping belongs"),
        (b"\xff", "r.yaml:1: the file is not UTF-8 here"),
        (b"{", "r.yaml:1: expected the node content"),
        (b"ladder: a\ntracks: []\n", "r.yaml:1: title: the key is missing"),
    ],
)
def test_what_is_no_ladder_at_all_is_refused(source: bytes, first: str) -> None:
    assert mistakes(source)[0].startswith(first)


def test_a_ladder_without_tracks_and_one_that_never_opens_are_refused() -> None:
    text = sample_with().decode()
    none = text.partition("tracks:")[0] + "tracks: []\n"
    assert mistakes(none.encode()) == ["r.yaml:15: tracks: the ladder has no track. Write one."]
    shut = sample_with((f"[{WEEK}]", "closed"), ('["08:00", "14:00"]', "closed"))
    assert mistakes(shut) == ["r.yaml:6: contact_hours: the hours are never open. Open at least one day of the week."]


def test_on_one_day_messages_for_different_conditions_may_stand() -> None:
    read(
        (STEP, "{day: -3, template: a, when: {clicked: true}}\n      - {day: -3, template: b, when: {clicked: false}}")
    )


@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_whatever_the_bytes_are_reading_never_raises(source: bytes) -> None:
    assert read_ladder(source, name="r.yaml") is not None


@given(st.lists(st.sampled_from(sample_with().decode().split(" ")), max_size=60).map(" ".join))
def test_nor_with_the_samples_own_words_in_any_order(text: str) -> None:
    assert read_ladder(text.encode(), name="r.yaml") is not None


@pytest.mark.parametrize(
    *table("""
    when                                        | overdue | cents | tags | late | tenure | holds
    {days_overdue: {from: 1, to: 10}}           | 1       | 0     |      | 0    | 0      | yes
    {days_overdue: {from: 1, to: 10}}           | 0       | 0     |      | 0    | 0      | no
    {days_overdue: {from: 1, to: 10}}           | 10      | 0     |      | 0    | 0      | yes
    {days_overdue: {from: 1, to: 10}}           | 11      | 0     |      | 0    | 0      | no
    {days_overdue: {to: 0}}                     | -5      | 0     |      | 0    | 0      | yes
    {total: {from: 100.00}}                     | 0       | 9999  |      | 0    | 0      | no
    {total: {from: 100.00}}                     | 0       | 10000 |      | 0    | 0      | yes
    {total: {to: 100.00}}                       | 0       | 10001 |      | 0    | 0      | no
    {late_before: {to: 0}}                      | 0       | 0     |      | 0    | 0      | yes
    {late_before: {to: 0}}                      | 0       | 0     |      | 1    | 0      | no
    {late_before: {from: 2}}                    | 0       | 0     |      | 1    | 0      | no
    {tenure_days: {from: 365}}                  | 0       | 0     |      | 0    | 364    | no
    {tenure_days: {from: 365}}                  | 0       | 0     |      | 0    | 365    | yes
    {tags: {any: [vip, novo]}}                  | 0       | 0     | vip  | 0    | 0      | yes
    {tags: {any: [vip, novo]}}                  | 0       | 0     | a    | 0    | 0      | no
    {tags: {any: [vip]}, late_before: {to: 0}}  | 0       | 0     | vip  | 1    | 0      | no
    {tags: {any: [vip]}, late_before: {to: 0}}  | 0       | 0     | vip  | 0    | 0      | yes
    """)
)
def test_whose_track_it_is(when: str, overdue: int, cents: int, tags: str, late: int, tenure: int, holds: bool) -> None:
    found = read(("{late_before: {to: 0}}", when)).tracks[0].when
    assert isinstance(found, TrackWhen)
    known = frozenset({tags} - {""})
    assert holds is found.holds(
        days_overdue=overdue, total_cents=cents, tags=known, late_before=late, tenure_days=tenure
    )


def facts(**changed: TemplateFact) -> Mapping[str, TemplateFact]:
    """The templates of one reminder each, and the two that every ladder has."""
    usual = {
        "plain": TemplateFact(name="plain", parameters=("nome", "valor")),
        "picture": TemplateFact(name="picture", parameters=("nome",), header_image=True),
        "page": TemplateFact(name="page", parameters=("nome",), link=True),
        "confirme_quem_e": TemplateFact(name="confirme_quem_e", parameters=("nome",)),
    }
    return usual | changed


def fitted(steps: str, templates: Mapping[str, TemplateFact], more: str = "") -> tuple[list[str], list[str]]:
    source = (
        "ladder: a\ntitle: A\ncontact_hours: {monday_to_friday: open, saturday: open, sunday: open, holidays: open}\n"
        f"{more}tracks:\n  - name: t\n    steps: [{steps}]\n"
    ).encode()
    ladder = read_ladder(source, name="r.yaml")
    assert isinstance(ladder, Ladder), ladder
    wrong, doubtful = misfits(source, ladder, templates, name="r.yaml")
    return [str(one) for one in wrong], [str(one) for one in doubtful]


PLAIN = facts()["plain"]


@pytest.mark.parametrize(
    ("steps", "templates", "reason"),
    [
        ("{day: 0, template: other}", facts(), "template: there is no template other"),
        ("{day: 0, template: picture}", facts(), "template: picture has a picture, and the step brings none"),
        ("{day: 0, template: plain, attach: pix_qr}", facts(), "attach: plain has no place for a picture"),
        ("{day: 0, template: plain, attach: payment_link}", facts(), "attach: plain has no button to the payment page"),
        ("{day: 0, template: page}", facts(), "template: page has a button to the payment page"),
        (
            "{day: 0, template: plain}",
            facts(plain=replace(PLAIN, parameters=("nome", "desconto"))),
            "template: plain wants {{desconto}}, which a reminder cannot fill",
        ),
        (
            "{day: 0, template: plain}",
            facts(plain=replace(PLAIN, buttons=("pay", "call"))),
            "template: plain has the button call",
        ),
    ],
)
def test_what_does_not_fit_its_template(steps: str, templates: Mapping[str, TemplateFact], reason: str) -> None:
    wrong, _ = fitted(steps, templates)
    assert len(wrong) == 1, wrong
    assert wrong[0].startswith(f"r.yaml:6: tracks[0].steps[0].{reason}. ")


def test_what_fits_is_not_complained_of() -> None:
    steps = "{day: 0, template: plain}, {day: 9, template: picture, attach: pix_qr}, {day: 18, ticket: f}"
    assert fitted(f"{steps}, {{day: 27, template: page, attach: payment_link}}", facts()) == ([], [])


def test_a_first_contact_that_speaks_of_a_debt_is_refused() -> None:
    asks = TemplateFact(name="quem", parameters=("nome", "valor"))
    wrong, _ = fitted("{day: 0, template: plain}", facts(quem=asks), "first_contact: quem\n")
    assert wrong[0].startswith("r.yaml:4: first_contact: quem speaks of a debt to somebody who has not said")


def test_marketing_and_more_than_the_caps_are_doubtful() -> None:
    _, doubtful = fitted("{day: 0, template: plain}", facts(plain=replace(PLAIN, category="MARKETING")))
    assert doubtful[0].startswith("r.yaml:6: tracks[0].steps[0].template: plain is MARKETING")
    four = ", ".join(f"{{day: {n}, template: plain}}" for n in range(4))
    _, doubtful = fitted(four, facts())
    assert "the track alone has 4 messages in seven days, and caps.week is 3" in doubtful[0]
    week = ", ".join(f"{{day: {n}, template: plain}}" for n in (0, 3, 6, 7))
    assert fitted(week, facts()) == ([], [])  # of any seven days in a row no more than three


def test_mistakes_in_the_templates_file_are_told_too(tmp_path: Path) -> None:
    broken = tmp_path / "t.yaml"
    broken.write_text("language: pt_BR\ntemplates: nenhum\n", encoding="utf-8")
    checked: Checked = check_ladder(SAMPLE, broken)
    assert checked.ladder is not None
    assert [(one.file, one.line) for one in checked.mistakes] == [("t.yaml", 2)]
