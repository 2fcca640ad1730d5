"""The doctor: every check says what was found, and what to do where it fails."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.engine.checkup import Finding, check_all, static_pix
from bot.settings import Pix
from tests.town import town


async def test_where_all_is_well_every_check_says_so(database: str, redis_url: str, tmp_path: Path) -> None:
    """Database, Redis, phone, subscription, templates, policy and bank, all tried against real servers."""
    async with town(database, redis_url, tmp_path) as place:
        findings = {finding.check: finding for finding in await check_all(place.parts)}
        assert set(findings) == {
            "database", "redis", "whatsapp_phone", "webhook_subscription", "templates", "policy", "payment_provider",
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
