"""`acerto verify`: one line for each check, 1 where one fails, and nothing needed but the file."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.cli.main import acerto
from bot.papers.case_envelope import read
from bot.papers.signing import public_key
from bot.settings import Secret
from tests.test_case_file import FORGER, SECRET, agreed_and_paid, changed, forged
from tests.town import town


@pytest.fixture
async def file(database: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Path]:
    """The case of an agreement that is half paid."""
    async with town(database, redis_url, tmp_path / "town", secret_key=Secret("s" * 32)) as place:
        kept = tmp_path / "caso.json"
        kept.write_bytes(await agreed_and_paid(place))
        yield kept


def run(*arguments: str | Path) -> Result:
    # No settings at all, and a database that cannot be: nothing of them is read.
    nothing = {"ACERTO_DATABASE_URL": "no address", "ACERTO_SECRET_KEY": "short", "ACERTO_PIX": "neither"}
    return CliRunner(env=nothing).invoke(acerto, ["verify", *map(str, arguments)])


async def test_each_check_is_one_line(file: Path) -> None:
    told = run(file, "--key", public_key(SECRET))
    assert told.exit_code == 0, told.output
    lines = told.stdout.splitlines()
    assert [line[0] for line in lines] == ["✓"] * 14 + ["S"]
    assert lines[-1] == f"SHA-256 {read(file.read_bytes()).digest}"
    assert public_key(SECRET) in lines[1]
    both = json.loads(run(file, "--json").stdout)
    assert (both["ok"], both["sha256"], both["key"]) == (True, lines[-1].split()[1], public_key(SECRET))
    assert [set(check) for check in both["checks"]] == [{"check", "ok", "says", "wrong"}] * 14


async def test_what_is_wrong_is_said_and_the_exit_code_is_1(file: Path) -> None:
    told = run(file, "--key", public_key(FORGER))
    assert (told.exit_code, told.stdout.count("✗")) == (1, 1)
    assert told.stderr.startswith("Error: 1 check fails")
    cheaper = changed(file.read_bytes(), "case", "offer", "terms", "payments", 0, "amount", to=1)
    file.write_bytes(forged(cheaper))
    told = run(file)
    assert told.exit_code == 1
    assert "✗ the offer is equal to the centavo when it is worked out again from its facts – " in told.stdout
    assert "payments.0.amount: sealed 1, worked out 11935" in told.stdout
    plain = json.loads(run(file, "--json").stdout)
    assert plain["ok"] is False
    failing = [check["check"] for check in plain["checks"] if not check["ok"]]
    assert failing == ["recomputed", "offered", "agreed", "closed"]


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", b"{}"])
def test_what_is_no_case_file_is_told_in_one_line(tmp_path: Path, content: bytes) -> None:
    kept = tmp_path / "outro.json"
    kept.write_bytes(content)
    told = run(kept)
    assert (told.exit_code, told.stdout) == (1, "")
    assert told.stderr.startswith("Error: outro.json is no case file: ")
    assert len(told.stderr.splitlines()) == 1


def test_a_file_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    assert run(tmp_path / "none.json").exit_code == 2
