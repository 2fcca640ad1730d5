"""What the engine works with: every part that lives as long as the process, built by `bot.parts`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import asyncpg
from redis.asyncio import Redis

from bot.clock import Clock
from bot.engine.costs import Costs
from bot.engine.inbox import Ingest
from bot.engine.ladder_in_force import LadderWatch
from bot.engine.pacing import Pacing
from bot.engine.policy_in_force import PolicyWatch
from bot.engine.talk import Talk
from bot.engine.wake import Wake
from bot.settings import Settings
from bot.whatsapp.client import GraphClient
from bot.whatsapp.templates import MessageTemplate
from flows.wording import Texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything that lives as long as the process."""

    settings: Settings
    clock: Clock
    pool: "asyncpg.Pool[Any]"
    redis: "Redis | None"
    http: aiohttp.ClientSession
    graph: GraphClient
    talk: Talk
    texts: Texts
    wake: Wake
    pacing: Pacing
    ingest: Ingest
    policies: PolicyWatch
    ladders: LadderWatch
    costs: Costs
    templates: Mapping[str, MessageTemplate]  # by name, as the company wrote them
    mac_key: bytes  # of buttons, echoes and payment tokens
    demo: bool = False
