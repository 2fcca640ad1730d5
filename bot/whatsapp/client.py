"""WhatsApp's Graph API over HTTP. A POST ends as Accepted, Refused or Unknown, and weather never raises.

Every call has a deadline. The token goes out in one header and stands in no error, no log and no `repr`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import aiohttp
import msgspec

from bot.whatsapp.errors import Outcome, Refused, Unknown, classify, not_connected
from bot.whatsapp.lenient import NotJson, Table, decode, name_of, rows_of, table_of
from bot.whatsapp.messages import MarkRead, mark_read

_ANSWER_BYTES = 4 * 1024 * 1024
_FILE_BYTES = 100 * 1024 * 1024
_PAGES_MAX = 100
_PHONE_FIELDS = (
    "display_phone_number,verified_name,quality_rating,code_verification_status,platform_type,"
    "throughput,whatsapp_business_manager_messaging_limit,health_status"
)
_TEMPLATE_FIELDS = "name,language,category,status,quality_score,components,parameter_format"

Failed: TypeAlias = Refused | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that a person sent."""

    data: bytes
    mime_type: str | None


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes


class GraphClient:
    """One number's calls. `base_url` includes the version (`https://graph.facebook.com/v24.0`)."""

    def __init__(
        self,
        base_url: str,
        token: str,
        phone_number_id: str,
        session: aiohttp.ClientSession,
        *,
        connect_s: float = 10.0,
        deadline_s: float = 30.0,
    ) -> None:
        self._base_url, self._phone_number_id, self._session = base_url.rstrip("/"), phone_number_id, session
        self._headers = {"Authorization": f"Bearer {token}"}
        self._upload_headers = {"Authorization": f"OAuth {token}", "file_offset": "0"}
        # Who waits too long for a connection has surely sent nothing, and may try again; only later doubt is doubt.
        self._timeout = aiohttp.ClientTimeout(total=deadline_s, connect=connect_s)

    async def send(self, body: Mapping[str, Any]) -> Outcome:
        """POST a message (`bot.whatsapp.messages.build`)."""
        return await self._post(f"{self._phone_number_id}/messages", _json(body))

    async def mark_read(self, message_id: str, *, typing: bool = False) -> Outcome:
        """Mark a person's message as read; `typing` shows for up to 25 s that an answer is being written."""
        return await self.send(mark_read(MarkRead(message_id=message_id, typing=typing)))

    async def upload_media(self, data: bytes, *, mime_type: str, filename: str) -> str | Failed:
        """Upload a file and return its id, which WhatsApp keeps for 30 days."""
        form = aiohttp.FormData({"messaging_product": "whatsapp", "type": mime_type})
        form.add_field("file", data, filename=filename, content_type=mime_type)
        answer = await self._ask("POST", self._url(f"{self._phone_number_id}/media"), data=form)
        table = _table(answer)
        if not isinstance(table, dict):
            return table
        return name_of(table.get("id")) or Unknown(reason="no_media_id")

    async def get_media(self, media_id: str) -> File | Failed:
        """Download a file that a person sent: its address first, which lives for 5 minutes, then the bytes."""
        table = await self._get(media_id)
        if not isinstance(table, dict):
            return table
        url = name_of(table.get("url"), longest=4096)
        if url is None or not self._may_see_token(url):
            return Unknown(reason="no_media_url")
        answer = await self._ask("GET", url, most=_FILE_BYTES)
        if not isinstance(answer, _Answer):
            return answer
        if answer.status != 200:
            return Unknown(reason=f"http_{answer.status}_for_media")
        return File(data=answer.body, mime_type=name_of(table.get("mime_type")))

    async def templates(self, waba_id: str) -> list[Table] | Failed:
        """Return all message templates of an account, page by page, as Graph describes them."""
        found: list[Table] = []
        query = {"fields": _TEMPLATE_FIELDS, "limit": "100"}
        for _ in range(_PAGES_MAX):
            page = await self._get(f"{waba_id}/message_templates", query)
            if not isinstance(page, dict):
                return page
            found += rows_of(page.get("data"))
            paging = table_of(page.get("paging"))
            after = name_of(table_of(paging.get("cursors")).get("after"), longest=2048)
            if after is None or paging.get("next") is None:
                return found
            query = {**query, "after": after}
        return Unknown(reason="templates_without_end")

    async def create_template(self, waba_id: str, body: Mapping[str, Any]) -> Table | Failed:
        """Ask for a message template (`bot.whatsapp.templates.to_meta`); return its id, status and category."""
        return _table(await self._ask("POST", self._url(f"{waba_id}/message_templates"), data=_json(body), json=True))

    async def edit_template(self, template_id: str, body: Mapping[str, Any]) -> Table | Failed:
        """Ask for other components of a template; all of them are replaced, its name and language stay."""
        changed = {key: body[key] for key in ("components", "message_send_ttl_seconds") if key in body}
        return _table(await self._ask("POST", self._url(template_id), data=_json(changed), json=True))

    async def upload_example(self, data: bytes, *, mime_type: str) -> str | Failed:
        """Upload an example of a template's picture; return the handle that names it. Source: Meta, "Resumable upload":
        a session first, then the bytes.
        """
        query = {"file_length": str(len(data)), "file_type": mime_type, "file_name": "exemplo.png"}
        session = _table(await self._ask("POST", self._url("app/uploads"), query=query))
        if not isinstance(session, dict):
            return session
        upload = name_of(session.get("id"), longest=2048)
        if upload is None:
            return Unknown(reason="no_upload_session")
        sent = _table(await self._ask("POST", self._url(upload), data=data, headers=self._upload_headers))
        if not isinstance(sent, dict):
            return sent
        return name_of(sent.get("h"), longest=4096) or Unknown(reason="no_handle")

    async def phone_info(self) -> Table | Failed:
        """Return what Graph tells of our number: its name, quality, limits and health."""
        return await self._get(self._phone_number_id, {"fields": _PHONE_FIELDS})

    async def subscribed_apps(self, waba_id: str) -> list[Table] | Failed:
        """Return the apps that get the account's webhooks."""
        table = await self._get(f"{waba_id}/subscribed_apps")
        return rows_of(table.get("data")) if isinstance(table, dict) else table

    async def _post(self, path: str, body: bytes) -> Outcome:
        answer = await self._ask("POST", self._url(path), data=body, json=True)
        return classify(answer.status, answer.body) if isinstance(answer, _Answer) else answer

    async def _get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any] | Failed:
        return _table(await self._ask("GET", self._url(path), query=query))

    def _url(self, path: str) -> str:
        return f"{self._base_url}/{path}"

    def _may_see_token(self, url: str) -> bool:
        """Files lie on another host of Meta's and want the token too: over TLS, or where the API itself is."""
        asked, own = urlsplit(url), urlsplit(self._base_url)
        return asked.scheme == "https" or (asked.scheme, asked.netloc) == (own.scheme, own.netloc)

    async def _ask(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, str] | None = None,
        data: bytes | aiohttp.FormData | None = None,
        json: bool = False,
        most: int = _ANSWER_BYTES,
        headers: Mapping[str, str] | None = None,
    ) -> _Answer | Failed:
        headers = headers or ({**self._headers, "Content-Type": "application/json"} if json else self._headers)
        try:
            async with self._session.request(
                method, url, params=query, data=data, headers=headers, timeout=self._timeout, allow_redirects=False
            ) as response:
                body = await _read(response.content, most)
                return Unknown(reason="answer_too_long") if body is None else _Answer(response.status, body)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as never_connected:
            return not_connected(type(never_connected).__name__)
        except (TimeoutError, aiohttp.ClientError, OSError) as broken:
            # Only its type: the text of such an error quotes addresses, and may quote more.
            return Unknown(reason=type(broken).__name__)


async def _read(stream: aiohttp.StreamReader, most: int) -> bytes | None:
    """Return the whole body, None if it is longer than `most` bytes."""
    parts: list[bytes] = []
    size = 0
    async for part in stream.iter_any():
        parts.append(part)
        size += len(part)
        if size > most:
            return None
    return b"".join(parts)


def _table(answer: _Answer | Failed) -> dict[str, Any] | Failed:
    """The JSON object of a 200; otherwise what went wrong."""
    if not isinstance(answer, _Answer):
        return answer
    if answer.status == 200:
        try:
            table = decode(answer.body)
        except NotJson:
            table = None
        if isinstance(table, dict) and "error" not in table:
            return table
    outcome = classify(answer.status, answer.body)
    return outcome if isinstance(outcome, (Refused, Unknown)) else Unknown(reason="unexpected_answer")


def _json(body: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(body)
