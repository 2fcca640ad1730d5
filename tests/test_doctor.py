"""The doctor: every check says what was found, and what to do where it fails."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bot.engine.checkup import Finding, check_all, static_pix
from bot.settings import Pix
from tests.processes import Done, run
from tests.town import town


async def test_where_all_is_well_every_check_says_so(database: str, redis_url: str, tmp_path: Path) -> None:
    """Database, Redis, phone, subscription, templates, policy and bank, all tried against real servers."""
    async with town(database, redis_url, tmp_path) as place:
        findings = {finding.check: finding for finding in await check_all(place.parts)}
        assert set(findings) == {
            "database", "redis", "whatsapp_phone", "webhook_subscription", "templates", "policy", "payment_provider",
            "company_login",
        }  # fmt: skip
        wrong = [finding for finding in findings.values() if not finding.ok and finding.check != "templates"]
        assert wrong == []


async def test_what_fails_says_what_to_do(database: str, redis_url: str, tmp_path: Path) -> None:
    """A wrong token, and no policy in force."""
    async with town(database, redis_url, tmp_path, policy=None) as place:
        place.world.graph.number = replace(place.world.graph.number, token="another")
        findings: list[Finding] = await check_all(place.parts)
        failed = {finding.check: finding.remedy for finding in findings if not finding.ok}
        assert {"whatsapp_phone", "webhook_subscription", "policy"} <= set(failed)
        assert all(failed.values())


@pytest.mark.parametrize(
    ("key", "ok"),
    [
        ("pix@escola-aurora.example", True),
        ("+5511987654321", True),
        ("(11) 98765-4321", False),
        ("", False),
        ("çedilha", False),
    ],
)
def test_a_pix_key_is_judged_by_the_code_it_would_make(key: str, ok: bool) -> None:
    """In the form in which banks keep it, or not at all."""

    assert static_pix(Pix(key=key, merchant_name="Escola Aurora", merchant_city="São Paulo")).ok is ok


async def acerto(home: Path, *arguments: str, **settings: str) -> Done:
    """Run the command line with nothing set but `settings`."""
    only = {"ACERTO_HOME": str(home), "PATH": "/usr/bin:/bin", "ACERTO_REDIS_URL": "redis://127.0.0.1:1"}
    return await run(*arguments, environment={**only, **settings})


NOBODY = "postgresql://ana:a-password@127.0.0.1:1/acerto"
"""An address at which no PostgreSQL listens."""


async def test_the_doctor_tells_of_a_database_that_is_away_and_of_all_the_rest(tmp_path: Path) -> None:
    """One check that fails keeps no other from being made; every name is told, and no value of one."""
    done = await acerto(
        tmp_path, "doctor", "--json", ACERTO_DATABASE_URL=NOBODY, ACERTO_WHATSAPP_API_URL="http://127.0.0.1:1"
    )
    findings = {finding["check"]: finding for finding in json.loads(done.out)}
    assert done.code == 1
    assert not findings["database"]["ok"]
    assert findings["database"]["remedy"]
    assert {"redis", "whatsapp_phone", "webhook_subscription", "templates", "policy", "payment_provider"} <= set(
        findings
    )
    is_set, default = findings["settings_read"]["detail"].split("Not set: ")
    assert "ACERTO_DATABASE_URL" in is_set
    assert "ACERTO_PIX_CERT_KEY" in default
    assert "a-password" not in done.out + done.told


@pytest.mark.parametrize("command", ["migrate", "policy list"])
async def test_a_database_that_is_away_is_one_clear_line(command: str, tmp_path: Path) -> None:
    """With what to look at, and without the address, which may hold a password."""
    done = await acerto(tmp_path, *command.split(), ACERTO_DATABASE_URL=NOBODY)
    assert done.code == 1
    assert done.told.count("\n") == 1
    assert "ACERTO_DATABASE_URL" in done.told
    assert "a-password" not in done.told


async def test_a_home_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    """Something else stands where the folder would be."""
    (tmp_path / "home").write_text("a file", encoding="utf-8")
    done = await acerto(tmp_path / "home", "migrate")
    assert done.code == 1
    assert done.told.count("\n") == 1
    assert "ACERTO_HOME" in done.told
