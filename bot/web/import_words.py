"""Why a line of a debts file was left out, in the words of the page. The reasons are those of `acerto import`.

A reason that has no words here is shown as the command says it.
"""

import re
from collections.abc import Mapping
from datetime import date

from bot.web.rendering import plain, say
from flows.wording import Texts

REASONS: Mapping[str, str] = {
    r"the file is larger than 64 MiB; split it": "the file is larger than 64 MB; split it",
    r"the file is empty": "the file is empty",
    r"the column is missing": "the column is missing",
    r"the column stands here twice": "the column stands here twice",
    r"line (?P<line>\d+) has the same external_id with other data": "line {line} has the same external_id, other data",
    r"line (?P<line>\d+) gives this customer_id another document": "line {line} gives this customer another document",
    r"the line has (?P<fields>\d+) fields, the first line (?P<names>\d+); quote fields that contain the separator": (
        "the line has {fields} fields, the first line {names}; put fields that contain the separator in quotes"
    ),
    r"a quote is not closed; quote fields that contain the separator": "a quotation mark is not closed",
    r"is empty": "is empty",
    r"is longer than (?P<most>\d+) characters": "is longer than {most} characters",
    r"has characters that cannot be shown": "has characters that cannot be shown",
    r"is no valid CPF or CNPJ; a spreadsheet may have eaten leading zeros": (
        "is no valid CPF or CNPJ; a spreadsheet may have eaten the zeros at its beginning"
    ),
    r"is no phone number; write it like \+55 11 98765-4321": "is no phone; write it like +55 11 98765-4321",
    r"is no phone number that exists; write it like \+55 11 98765-4321": "no such phone exists; check its digits",
    r"is no e-mail address": "is no e-mail address",
    r"can be read in two ways; write the centavos too, like 1234\.00 or 1\.234,00": (
        "can be read in two ways; write the centavos too, like 1.234,00"
    ),
    r"is no amount; write it like 1234\.56 or 1\.234,56, more than zero": "is no amount; write it like 1.234,56",
    r"must be more than zero": "must be more than zero",
    r"is more than a hundred million reais": "is more than a hundred million reais",
    r"is no date; write it like 2026-11-30 or 30/11/2026": "is no date; write it like 30/11/2026",
    r"is not in the calendar": "this day is not in the calendar",
    r"is far from today; check the year": "is far from today; check the year",
    r"is not the one on record, and somebody has confirmed to be that customer; use another customer_id": (
        "is not the one on record, and this customer confirmed it in the chat; use another customer_id"
    ),
    r"the debt on record belongs to another customer_id": "the debt on record is another customer's",
    r"the debt is open and stays as it is": "the debt is open and stays as it is",
    r"the debt is agreed and stays as it is": "the debt has an agreement and stays as it is",
    r"the debt is paid and stays as it is": "the debt is paid and stays as it is",
    r"the debt is cancelled and stays as it is": "the debt is cancelled and stays as it is",
    r"is not more than what was paid of it already": "is not more than what was paid of it already",
    r"the debt was paid or agreed on this very moment; look at it and import again": (
        "the debt was paid or agreed on at this very moment; look at it and import again"
    ),
}
_COLUMNS = {
    "external_id": "number of the debt",
    "customer_id": "number of the customer",
    "name": "name",
    "document": "CPF or CNPJ",
    "phone": "phone",
    "email": "e-mail",
    "amount": "amount",
    "due_date": "due date",
    "description": "description",
    "tags": "tags",
    "opt_in": "consent",
}


def reason(text: str, texts: Texts) -> str:
    """Return a reason in Portuguese."""
    for pattern, msgid in REASONS.items():
        found = re.fullmatch(pattern, text)
        if found is not None:
            return say(texts, msgid, **found.groupdict()) if found.groupdict() else texts(msgid)
    return plain(text)


def column(name: str, texts: Texts) -> str:
    """Return what a column is called, with its name in the file; empty for the whole line."""
    return f"{texts(_COLUMNS[name])} ({name})" if name in _COLUMNS else plain(name)


def value(given: int | str, texts: Texts) -> str:
    """Return an amount in centavos or an ISO date as it is written."""
    return texts.money(given) if isinstance(given, int) else texts.day(date.fromisoformat(given))
