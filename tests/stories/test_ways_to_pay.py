"""The ways to be paid: the native card, where WhatsApp offers it, and a plain Pix key without any provider."""

from dataclasses import replace
from pathlib import Path

from bot.sandbox.people import ANA
from bot.settings import Settings
from payments.brcode import Code, mistakes, read_code
from tests.town import town


def with_native_card(settings: Settings) -> Settings:
    """The creditor's number has payments enabled."""
    return replace(settings, whatsapp=replace(settings.whatsapp, native_card=True))


def with_a_plain_key(settings: Settings) -> Settings:
    """No provider: the creditor's key alone."""
    return replace(settings, pix=replace(settings.pix, mode="static"))


async def test_with_the_native_card_amount_and_code_are_one_message(
    database: str, redis_url: str, tmp_path: Path
) -> None:
    """The card holds the code and the very total that was named; no second message follows."""
    async with town(database, redis_url, tmp_path, otherwise=with_native_card) as place:
        phone = place.phone(ANA)
        await phone.says("oi", ANA.document[:3])
        heard = len(phone.heard)
        await phone.taps("Pagar agora")
        assert len(phone.heard) == heard + 1
        assert "(cartão: 34990 centavos)" in phone.transcript()
        assert await place.bank.amount_of(phone.pix_code()) == 34990
        await place.bank.receives(phone.pix_code())
        assert phone.last.startswith("Pagamento de R$ 349,90 confirmado.")


async def test_with_a_plain_key_the_code_carries_amount_and_txid(database: str, redis_url: str, tmp_path: Path) -> None:
    """A static code as strict as banks may read it; the txid is the charge's, to be found on the statement."""
    async with town(database, redis_url, tmp_path, otherwise=with_a_plain_key) as place:
        phone = place.phone(ANA)
        await phone.says("oi", ANA.document[:3], "1")
        code = read_code(phone.pix_code())
        assert mistakes(phone.pix_code()) == ()
        assert isinstance(code, Code)
        assert (code.kind, code.amount_cents) == ("static", 34990)
        assert code.txid == await place.ask("SELECT txid FROM charge")
