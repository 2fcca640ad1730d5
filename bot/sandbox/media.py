"""The files of the stand-in: what was uploaded, what people sent, and whether Meta could open a picture's link.

Source: Meta, "Media" (kinds, sizes) and "Supported media types".
"""

import hashlib
from dataclasses import dataclass

import aiohttp

_ALL_MAX = 32 * 1024 * 1024
_PICTURE_MAX = 5 * 1024 * 1024
_PICTURES = ("image/png", "image/jpeg")
_TIMEOUT = aiohttp.ClientTimeout(total=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file."""

    id: str
    mime_type: str
    content: bytes

    @property
    def sha256(self) -> str:
        """Its digest, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


class Media:
    """All files, the oldest forgotten when there are too many."""

    def __init__(self) -> None:
        self._files: dict[str, File] = {}
        self._last = 1037543291543000

    def __contains__(self, id_: object) -> bool:
        return id_ in self._files

    def get(self, id_: str) -> File | None:
        """Return a file, None where there is none."""
        return self._files.get(id_)

    def add(self, content: bytes, mime_type: str) -> File:
        """Keep a file."""
        self._last += 1
        file = File(id=str(self._last), mime_type=mime_type, content=content)
        self._files[file.id] = file
        while sum(len(f.content) for f in self._files.values()) > _ALL_MAX and len(self._files) > 1:
            del self._files[next(iter(self._files))]
        return file

    def remove(self, id_: str) -> bool:
        """Forget a file; return whether it was there."""
        return self._files.pop(id_, None) is not None


class Pictures:
    """Opens the links of pictures, as Meta does before it delivers."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def trouble_with(self, link: str) -> str | None:
        """Return why a picture cannot be delivered, None where it can."""
        try:
            async with self._session.get(link, timeout=_TIMEOUT) as response:
                if response.status != 200:
                    failed = "Downloading media from weblink failed with http code"
                    return f"{failed} {response.status}, status message {response.reason}"
                if response.content_type not in _PICTURES:
                    return f"Unsupported media mime type received: {response.content_type}"
                if len(await response.content.read(_PICTURE_MAX + 1)) > _PICTURE_MAX:
                    return "Media file size too big. Max allowed: 5 MB"
        except (aiohttp.ClientError, TimeoutError, OSError):
            return "Downloading media from weblink failed: no connection"
        return None
