"""A paper on its way to a person: made and kept in the turn, sent as a document by its address.

WhatsApp takes PDF documents but no calendar files, so a calendar goes as a button that opens its address.
Source: Meta, Cloud API, "Media", supported document types.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bot.engine.parts import Parts
from bot.links import paper_token, paper_url
from bot.papers.contents import Party
from bot.store import papers
from bot.store.conversations import Conversation
from bot.store.paper_drafts import NotMade, Wanted, draft
from bot.store.papers import Kept
from bot.whatsapp import messages
from flows.effects import SendPaper
from flows.facts import Facts
from flows.words import WORDS
from payments.documents import Document, read_document

FILES = {
    "terms": "file_terms",
    "quittance": "file_quittance",
    "receipt": "file_receipt",
    "calendar": "file_calendar",
}
_CAPTIONS = {
    "terms": "paper_terms",
    "quittance": "paper_quittance",
    "receipt": "paper_receipt",
    "calendar": "paper_calendar",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperMessage:
    """A kept paper, and the message that brings it: Meta's JSON without the addressee, and its words."""

    kept: Kept
    message: messages.Message
    text: str


async def make(
    conn: Any, parts: Parts, conversation: Conversation, facts: Facts, effect: SendPaper
) -> PaperMessage | NotMade:
    """Make and keep the paper, and return the message; NotMade where the books give no ground for it.

    Only for the person who confirmed who they are: a chat that changed hands gets none of another's papers.
    """
    if conversation.customer_id is None:
        return NotMade("not_found")
    wanted = Wanted(
        kind=effect.kind,
        conversation_id=conversation.id,
        customer_id=conversation.customer_id,
        agreement_offer_no=effect.agreement_offer_no,
        end_to_end_id=effect.end_to_end_id,
        creditor=_creditor(parts),
        host=urlsplit(parts.settings.public_url).hostname or "",
        zone=parts.settings.timezone,
        now=facts.now,
    )
    try:
        drafted = await draft(conn, wanted)
    except NotMade as why:
        return why
    kept = await papers.keep(conn, wanted, drafted, token_of=lambda name: paper_token(parts.mac_key, name))
    text = parts.texts.filled(effect.wording or _CAPTIONS[effect.kind], effect.values)
    return PaperMessage(kept=kept, message=_message(parts, effect, kept, text), text=text)


def _message(parts: Parts, effect: SendPaper, kept: Kept, text: str) -> messages.Message:
    if effect.kind == "calendar":
        url = paper_url(parts.settings, kept.token, "ics")
        return messages.LinkButton(body=text, label=parts.texts(WORDS["button_calendar"]), url=url)
    return messages.Document(
        filename=parts.texts(WORDS[FILES[effect.kind]]),
        link=paper_url(parts.settings, kept.token, "pdf"),
        caption=text,
    )


def _creditor(parts: Parts) -> Party:
    settings = parts.settings
    document = read_document(settings.creditor_document)
    return Party(
        name=settings.creditor_name,
        document=document.formatted if isinstance(document, Document) else "",
        address=settings.creditor_address,
    )
