"""A check-up of everything the program stands on: each finding says what was tried, how it went and what to do."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import asyncpg

from bot.engine.oidc_provider import Provider, ProviderAway
from bot.engine.parts import Parts
from bot.engine.talk import Away
from bot.settings import Pix
from bot.store.migrate import is_current
from bot.whatsapp.errors import Refused, Unknown
from bot.whatsapp.templates import read_templates
from payments.brcode import Merchant, mistakes, plain, static_code
from payments.providers.protocol import ProviderError
from payments.providers.registry import provider_of

_PROVIDERS = {"api": "API Pix answers", "asaas": "Asaas answers"}
_PROVIDER_REMEDIES = {
    "api": "check ACERTO_PIX_API_URL, _TOKEN_URL, _CLIENT_ID, _CLIENT_SECRET and the certificate",
    "asaas": "check ACERTO_ASAAS_URL and ACERTO_ASAAS_TOKEN, which is of one world only: production or sandbox",
}
_WEBHOOK_REMEDIES = {
    "webhook_missing": "add a webhook at Asaas: ACERTO_PUBLIC_URL followed by /webhook/asaas, with your own token",
    "webhook_interrupted": "check that /webhook/asaas can be reached and its token, then reactivate the queue at Asaas",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check."""

    check: str
    ok: bool
    detail: str
    remedy: str


async def check_all(parts: Parts) -> list[Finding]:
    """Try everything, one after the other; a check that fails stops none of the others."""
    return [await check(parts) for check in _CHECKS]


async def _database(parts: Parts) -> Finding:
    try:
        async with parts.pool.acquire() as conn:
            current = await is_current(conn)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        remedy = "check ACERTO_DATABASE_URL and that PostgreSQL runs"
        return Finding(check="database", ok=False, detail=type(error).__name__, remedy=remedy)
    where = "your PostgreSQL" if parts.settings.database_url else "the embedded PostgreSQL"
    if not current:
        return Finding(check="database", ok=False, detail=f"{where}, not migrated", remedy="run `acerto migrate`")
    return Finding(check="database", ok=True, detail=f"{where}, migrations applied", remedy="")


async def _redis(parts: Parts) -> Finding:
    trouble = await parts.wake.trouble()
    if trouble is None:
        return Finding(check="redis", ok=True, detail="answers", remedy="")
    remedy = "check ACERTO_REDIS_URL; without Redis everything works, only slower"
    return Finding(check="redis", ok=False, detail=trouble, remedy=remedy)


async def _phone(parts: Parts) -> Finding:
    found = await parts.graph.phone_info()
    if isinstance(found, Refused | Unknown):
        remedy = (
            "check ACERTO_WHATSAPP_TOKEN and ACERTO_WHATSAPP_PHONE_NUMBER_ID; "
            "the token needs whatsapp_business_messaging"
        )
        return Finding(check="whatsapp_phone", ok=False, detail=_said(found), remedy=remedy)
    quality = found.get("quality_rating", "not told")
    return Finding(check="whatsapp_phone", ok=True, detail=f"quality {quality}", remedy="")


async def _subscription(parts: Parts) -> Finding:
    found = await parts.graph.subscribed_apps(parts.settings.whatsapp.waba_id)
    if isinstance(found, Refused | Unknown):
        remedy = "check ACERTO_WHATSAPP_WABA_ID; the token needs whatsapp_business_management"
        return Finding(check="webhook_subscription", ok=False, detail=_said(found), remedy=remedy)
    remedy = "subscribe the app to the account and to the field `messages`, see Going live in the README"
    return Finding(
        check="webhook_subscription", ok=bool(found), detail=f"{len(found)} apps", remedy="" if found else remedy
    )


async def _templates(parts: Parts) -> Finding:
    wanted = read_templates(parts.settings.templates.read_bytes(), name=parts.settings.templates.name)
    if isinstance(wanted, tuple):
        return Finding(check="templates", ok=False, detail=str(wanted[0]), remedy="mend the file")
    found = await parts.graph.templates(parts.settings.whatsapp.waba_id)
    if isinstance(found, Refused | Unknown):
        return Finding(
            check="templates", ok=False, detail=_said(found), remedy="check ACERTO_WHATSAPP_WABA_ID and the token"
        )
    approved = {row.get("name") for row in found if row.get("status") == "APPROVED"}
    missing = sorted(set(wanted) - approved)
    remedy = f"`acerto templates push`, and have approved: {', '.join(missing)}" if missing else ""
    detail = f"{len(wanted) - len(missing)} of {len(wanted)} approved"
    return Finding(check="templates", ok=not missing, detail=detail, remedy=remedy)


async def _policy(parts: Parts) -> Finding:
    today = parts.clock.now().astimezone(parts.settings.timezone).date()
    try:
        async with parts.pool.acquire() as conn:
            policy = await parts.policies.in_force(conn, today)
            troubles = await parts.policies.troubles(conn, today)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        return Finding(check="policy", ok=False, detail=type(error).__name__, remedy="first the database")
    if policy is None:
        remedy = "`acerto policy submit` by one person, `approve` by another; until then nothing is offered"
        return Finding(check="policy", ok=False, detail="none in force", remedy=remedy)
    if troubles:
        detail = f"in force: {policy.digest[:12]}; passed over: {', '.join(troubles)}"
        is_normal = troubles == ("earlier_again",)  # a campaign that ended
        remedy = "" if is_normal else "look at /finance/policies: somebody changed rows"
        return Finding(check="policy", ok=is_normal, detail=detail, remedy=remedy)
    return Finding(check="policy", ok=True, detail=f"in force: {policy.digest[:12]}", remedy="")


async def _provider(parts: Parts) -> Finding:
    provider = provider_of(parts.settings.pix.mode)
    if provider.probe is None:
        return static_pix(parts.settings.pix)
    try:
        trouble = await parts.talk.drive(provider.probe())
    except (Away, ProviderError) as error:
        return Finding(
            check="payment_provider", ok=False, detail=type(error).__name__, remedy=_PROVIDER_REMEDIES[provider.name]
        )
    if trouble is not None:
        remedy = f"{_WEBHOOK_REMEDIES[trouble]}; until then payments are found by polling only"
        return Finding(check="payment_provider", ok=False, detail=trouble, remedy=remedy)
    return Finding(check="payment_provider", ok=True, detail=_PROVIDERS[provider.name], remedy="")


async def _company_login(parts: Parts) -> Finding:
    """Whether the company's login provider is who it should be, and publishes keys."""
    if not parts.settings.oidc.issuer:
        return Finding(check="company_login", ok=True, detail="not set up: name and password", remedy="")
    try:
        keys = await Provider(parts.settings.oidc, parts.http).keys()
    except ProviderAway as error:
        remedy = "check ACERTO_OIDC_ISSUER and that this machine reaches it; name and password go on working"
        return Finding(check="company_login", ok=False, detail=str(error), remedy=remedy)
    remedy = "" if keys else "have the provider publish the keys that it signs with"
    return Finding(check="company_login", ok=bool(keys), detail=f"answers, {len(keys)} keys", remedy=remedy)


_CHECKS: tuple[Callable[[Parts], Awaitable[Finding]], ...] = (
    _database, _redis, _phone, _subscription, _templates, _policy, _provider,
    _company_login,
)  # fmt: skip


def static_pix(pix: Pix) -> Finding:
    """A code is made as it would be for a debtor, and read as strictly as a bank may."""
    merchant = Merchant(name=pix.merchant_name, city=pix.merchant_city)
    named = plain(merchant.name, 25) and plain(merchant.city, 15)
    if not (pix.key and pix.key.isascii() and named) or mistakes(static_code(pix.key, merchant=merchant)):
        remedy = (
            "set ACERTO_PIX_KEY as the bank keeps it (CPF or CNPJ without punctuation, +55 and digits, e-mail, random "
            "key in lower case), ACERTO_PIX_MERCHANT_NAME and _CITY"
        )
        return Finding(check="payment_provider", ok=False, detail="static Pix: no valid code", remedy=remedy)
    return Finding(check="payment_provider", ok=True, detail="static Pix, payments are not confirmed", remedy="")


def _said(found: Refused | Unknown) -> str:
    if isinstance(found, Unknown):
        return found.reason
    return f"{found.code}: {found.title}" if found.code is not None else found.title
