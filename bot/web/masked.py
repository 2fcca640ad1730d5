"""A document as finance sees it: enough to tell people apart, and not what a debtor is asked for."""

from payments.documents import Document, read_document


def masked(canonical: str) -> str:
    """Return •••.982.247-••, or nothing for what is no document."""
    document = read_document(canonical)
    return document.masked if isinstance(document, Document) else ""
