"""`acerto ladder` as a person and as a program use it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bot.cli.ladder import ladder
from bot.clock import movable_clock
from tests.test_ladder import SAMPLE, TEMPLATES, sample_with

NOON = datetime(2026, 11, 23, 15, tzinfo=UTC)


@pytest.fixture
def runner(tmp_path: Path) -> CliRunner:
    """A command line without any server, at a standing noon."""
    movable_clock(tmp_path / "home").freeze(NOON)
    return CliRunner(env={"ACERTO_HOME": str(tmp_path / "home"), "ACERTO_TEMPLATES": str(TEMPLATES)})


def run(runner: CliRunner, *arguments: object) -> Result:
    return runner.invoke(ladder, [str(argument) for argument in arguments], catch_exceptions=False)


def printed(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def written(folder: Path, source: bytes) -> Path:
    path = folder / "r.yaml"
    path.write_bytes(source)
    return path


def test_the_preview_of_a_good_payer_is_printed_as_promised(runner: CliRunner) -> None:
    """Due on 20 November 2026, a holiday on a Friday: payable on Monday."""
    steps = printed(run(runner, "preview", SAMPLE, "--due", "2026-11-20", "--track", "bom-pagador", "--json"))

    def step(day: int, at: str, **more: str | None) -> dict[str, object]:
        none = dict.fromkeys(("template", "attach", "ticket", "moved_from"))
        return {"day": day, "at": f"{at}:00-03:00", **none, **more}

    assert steps == [
        step(-3, "2026-11-19T10:00", template="lembrete_amigavel", moved_from="2026-11-20T10:00:00-03:00"),
        step(0, "2026-11-23T10:00", template="vence_hoje", attach="pix_qr"),
        step(2, "2026-11-25T10:00", template="venceu", attach="pix_qr"),
        step(7, "2026-11-30T11:00", template="proposta"),
        step(8, "2026-12-01T10:00", ticket="financeiro"),
        step(15, "2026-12-08T10:00", template="negociacao_especial"),
    ]
    assert [list(one) for one in steps] == [["day", "at", "template", "attach", "ticket", "moved_from"]] * 6


def test_conditions_are_taken_as_met_and_repeats_listed(runner: CliRunner) -> None:
    steps = printed(run(runner, "preview", SAMPLE, "--due", "2026-12-10", "--track", "padrao", "--json"))
    assert [one["day"] for one in steps] == [-7, -5, -3, -1, 0, 2, 7, 8, 15, 22, 29, 36, 43]
    assert steps[1]["template"] == "lembrete_passo_a_passo"


def test_without_a_track_json_has_the_first_and_without_a_date_today(runner: CliRunner) -> None:
    steps = printed(run(runner, "preview", SAMPLE, "--json"))
    assert [one["day"] for one in steps] == [-3, 0, 2, 7, 8, 15]
    assert steps[1]["at"] == "2026-11-23T10:00:00-03:00"


def test_media_is_named_by_its_kind(runner: CliRunner, tmp_path: Path) -> None:
    file = written(tmp_path, sample_with(("attach: pix_qr", 'attach: {video: "https://aurora.example/oi.mp4"}')))
    assert printed(run(runner, "preview", file, "--json"))[1]["attach"] == "video"


def test_people_read_tables_of_every_track(runner: CliRunner) -> None:
    result = run(runner, "preview", SAMPLE, "--due", "2026-11-20")
    assert result.exit_code == 0
    lines = [line.strip() for line in result.stdout.splitlines()]
    assert lines[0] == "bom-pagador"
    assert "padrao" in lines
    moved = next(line for line in lines if "-3" in line)
    assert "Thu 19/11/2026 10:00" in moved
    assert "20/11 10:00" in moved
    assert any("ticket: financeiro" in line for line in lines)


def test_an_unknown_track_and_a_broken_file_are_told(runner: CliRunner, tmp_path: Path) -> None:
    result = run(runner, "preview", SAMPLE, "--track", "vip")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == 'Error: padrao.yaml has no track "vip"; it has bom-pagador, padrao.\n'
    broken = run(runner, "preview", written(tmp_path, sample_with(("day: -7", "day: seven"))))
    assert (broken.exit_code, broken.stdout) == (1, "")
    assert broken.stderr.splitlines() == [
        'r.yaml:28: tracks[1].steps[0].day: "seven" is no whole number. Write digits only, like 3 or -3.',
        "Error: r.yaml cannot be previewed: correct it first.",
    ]


def test_check_finds_nothing_wrong(runner: CliRunner) -> None:
    file = SAMPLE.with_name("amigavel.yaml")
    result = run(runner, "check", file)
    assert (result.exit_code, result.stdout) == (0, "amigavel.yaml: no mistakes, 0 warnings.\n")
    assert printed(run(runner, "check", file, "--json")) == []


def test_check_tells_every_mistake_with_its_line_and_fails(runner: CliRunner, tmp_path: Path) -> None:
    changes = ('at: "10:00"', 'at: "10"'), ("{day: 8, ticket: financeiro}", "{day: 8}")
    file = written(tmp_path, sample_with(*changes))
    result = run(runner, "check", file)
    assert (result.exit_code, result.stderr) == (1, "Error: r.yaml: 2 mistakes.\n")
    assert [line.split(": ")[0] for line in result.stdout.splitlines()] == ["r.yaml:12", "r.yaml:23"]
    as_json = run(runner, "check", file, "--json")
    assert as_json.exit_code == 1
    told = json.loads(as_json.stdout)
    assert [(one["kind"], one["line"], one["path"]) for one in told] == [
        ("mistake", 12, "at"),
        ("mistake", 23, "tracks[0].steps[4]"),
    ]
    assert set(told[0]) == {"kind", "file", "line", "path", "reason", "remedy"}


def test_check_looks_into_the_templates(runner: CliRunner, tmp_path: Path) -> None:
    one = run(runner, "check", written(tmp_path, sample_with(("template: proposta", "template: sumiu"))))
    assert one.exit_code == 1
    assert one.stdout.startswith("r.yaml:22: tracks[0].steps[3].template: there is no template sumiu.")
    assert one.stderr == "Error: r.yaml: 1 mistake.\n"
    other = tmp_path / "t.yaml"
    other.write_text(TEMPLATES.read_text(encoding="utf-8").replace("name: proposta", "name: sumiu"), encoding="utf-8")
    assert run(runner, "check", tmp_path / "r.yaml", "--templates", other).exit_code == 1  # now the second is missing
    assert "no template proposta" in run(runner, "check", tmp_path / "r.yaml", "--templates", other).stdout


def test_check_warns_and_succeeds(runner: CliRunner) -> None:
    result = run(runner, "check", SAMPLE)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "padrao.yaml:27: tracks[1].steps: the track alone has 4 messages in seven days, and caps.week is 3. "
        "What is too much waits for another day. (warning)",
        "padrao.yaml: no mistakes, 1 warning.",
    ]
    assert [one["kind"] for one in printed(run(runner, "check", SAMPLE, "--json"))] == ["warning"]


def test_a_wrong_usage_is_told_as_such(runner: CliRunner, tmp_path: Path) -> None:
    assert run(runner, "check", tmp_path / "none.yaml").exit_code == 2
    assert run(runner, "preview", SAMPLE, "--due", "20/11/2026").exit_code == 2
