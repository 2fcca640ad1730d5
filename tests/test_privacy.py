"""Nothing about a person leaves the record: not in logs, not in metrics, not in Redis."""

from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.sandbox.people import ANA, BRUNO
from tests.town import town

SAID = "moro na rua das palmeiras 45"


async def test_a_whole_story_leaves_no_trace_of_a_person_in_logs_metrics_and_redis(
    database: str, redis_url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Identity wrong and right, an agreement, a payment, free words, a ticket: all of it stays in PostgreSQL."""
    async with town(database, redis_url, tmp_path) as place:
        ana, bruno = place.phone(ANA), place.phone(BRUNO)
        await ana.says("oi", "111", ANA.document[:3], SAID)
        await ana.taps("Negociar", "3x de R$ 119,35", "Confirmar")
        await place.bank.receives(ana.pix_code())
        await bruno.says("oi", BRUNO.document, SAID, "falar com atendente", SAID)
        async with place.parts.http.get(f"{place.address}/metrics") as answer:
            metrics = await answer.text()
        redis = Redis.from_url(redis_url)
        kept = " ".join([repr(key) async for key in redis.scan_iter()])
        await redis.aclose()
    out, err = capfd.readouterr()
    assert "turn.done" in out + err  # the log was there to be read
    secrets = [
        ANA.account.wa_id,
        BRUNO.account.wa_id,
        ANA.document,
        BRUNO.document,
        "Ana",
        "Bruno",
        "palmeiras",
        "Mensalidade",
    ]
    seen = out + err + metrics + kept
    assert [secret for secret in secrets if secret and secret in seen] == []
