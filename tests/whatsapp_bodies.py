"""Bodies as Meta's webhook sends them, with non-ASCII escaped as Meta escapes it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

NUMBER = "106540352242922"
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)  # a Monday, noon in São Paulo


def body(value: dict[str, Any], *, field: str = "messages", phone_number_id: str = NUMBER) -> bytes:
    """Return a body with one change."""
    metadata = {"display_phone_number": "15550783881", "phone_number_id": phone_number_id}
    change = {"field": field, "value": {"messaging_product": "whatsapp", "metadata": metadata, **value}}
    whole = {"object": "whatsapp_business_account", "entry": [{"id": "102290129340398", "changes": [change]}]}
    return json.dumps(whole, ensure_ascii=True, separators=(",", ":")).replace("\\\\ud800", "\\ud800").encode()


def text_message(
    phone: str | None,
    wamid: str,
    text: str,
    *,
    user_id: str | None = None,
    seconds_ago: int = 0,
    now: datetime = NOW,
    phone_number_id: str = NUMBER,
) -> bytes:
    """Return a body with one text of one person, known by phone, by user id or by both."""
    at = now - timedelta(seconds=seconds_ago)
    who = {**({"wa_id": phone} if phone else {}), **({"user_id": user_id} if user_id else {})}
    sender = {**({"from": phone} if phone else {}), **({"from_user_id": user_id} if user_id else {})}
    message = {"id": wamid, "timestamp": str(int(at.timestamp())), "type": "text", "text": {"body": text}, **sender}
    return body(
        {"contacts": [{"profile": {"name": "Pessoa"}, **who}], "messages": [message]}, phone_number_id=phone_number_id
    )
