"""Papers that are kept: what each says, under an address that nobody can guess, and from the first reading on its very
bytes."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from bot.papers.contents import CalendarPaper, Kind, Paper, digest, from_json, to_json
from bot.store.paper_drafts import Drafted, Wanted

LATEST = """
SELECT id, token, content, sha256, revision FROM paper
WHERE  kind = $1 AND coalesce(agreement_id, 0) = $2 AND coalesce(payment_id, 0) = $3
ORDER  BY revision DESC LIMIT 1
"""
KEEP = """
INSERT INTO paper (token, kind, revision, conversation_id, customer_id, agreement_id, payment_id, content, sha256,
                   made_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id
"""
FIND = "SELECT id, kind, content, body FROM paper WHERE token = $1"
KEEP_BODY = "UPDATE paper SET body = $2 WHERE id = $1 AND body IS NULL"
BODY = "SELECT body FROM paper WHERE id = $1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A paper that is kept."""

    id: int
    token: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A paper behind an address; `body` is None until somebody reads it first."""

    id: int
    kind: Kind
    content: str
    body: bytes | None

    @property
    def paper(self) -> Paper:
        """What it says."""
        return from_json(self.kind, self.content)


async def keep(conn: Any, wanted: Wanted, drafted: Drafted, *, token_of: Callable[[str], str]) -> Kept:
    """Keep a paper and return it; the one that was made before where there is one.

    Only a calendar is made anew, as a further revision, and only where its dates or amounts changed. `token_of` makes
    the token of a name that is this paper's alone.
    """
    paper, about = drafted.paper, (drafted.agreement_id or 0, drafted.payment_id or 0)
    before = await conn.fetchrow(LATEST, wanted.kind, *about)
    revision = 0
    if before is not None:
        if not isinstance(paper, CalendarPaper) or _same(paper, from_json("calendar", before["content"])):
            return Kept(id=before["id"], token=before["token"], sha256=before["sha256"])
        revision = before["revision"] + 1
        paper = replace(paper, revision=revision)
    token = token_of(f"{wanted.kind}:{about[0]}:{about[1]}:{revision}")
    sha256 = digest(paper)
    paper_id = await conn.fetchval(
        KEEP, token, wanted.kind, revision, wanted.conversation_id, wanted.customer_id, drafted.agreement_id,
        drafted.payment_id, to_json(paper), sha256, wanted.now,
    )  # fmt: skip
    return Kept(id=paper_id, token=token, sha256=sha256)


async def find(conn: Any, token: str) -> Found | None:
    """Return the paper of this token."""
    row = await conn.fetchrow(FIND, token)
    return Found(**row) if row is not None else None


async def keep_body(conn: Any, paper_id: int, body: bytes) -> bytes:
    """Keep the file of a paper and return the one that is kept: the first, whoever else made one at the same time."""
    await conn.execute(KEEP_BODY, paper_id, body)
    kept: bytes = await conn.fetchval(BODY, paper_id)
    return kept


def _same(paper: CalendarPaper, before: Paper) -> bool:
    return isinstance(before, CalendarPaper) and paper.payments == before.payments
