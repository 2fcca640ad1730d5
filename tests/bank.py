"""A debtor's banking app in a test: pays Pix codes at the stand-in bank over HTTP."""

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from bot.sandbox.pix_provider import PixProvider, Weather


class BankApp:
    """The payer's side of the bank."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        address: str,
        provider: PixProvider,
        settled: Callable[[], Awaitable[None]],
    ) -> None:
        self.provider, self.settled = provider, settled
        self._session, self._address = session, address

    async def receives(self, code: str, amount_cents: int | None = None) -> dict[str, Any]:
        """Pay a copy-and-paste code, wholly or in another amount, and wait until the program has taken it in."""
        paid = await self._ask("pay", {"code": code} | ({"amount_cents": amount_cents} if amount_cents else {}))
        assert "refused" not in paid, paid
        await self.settled()
        return paid

    async def refuses(self, code: str) -> str:
        """Try to pay a code and return why that is not possible."""
        return str((await self._ask("pay", {"code": code}))["refused"])

    async def amount_of(self, code: str) -> int:
        """What the app shows before the person confirms, in centavos."""
        return int((await self._ask("read", {"code": code}))["amount_cents"])

    async def behaves(self, weather: Weather) -> None:
        """Behave otherwise from now on."""
        await self.provider.set_weather(weather)
        await self.settled()

    async def _ask(self, what: str, body: dict[str, Any]) -> dict[str, Any]:
        async with self._session.post(f"{self._address}/sandbox/bank/{what}", json=body) as answer:
            return dict(await answer.json())
