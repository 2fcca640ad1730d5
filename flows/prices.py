"""The price list of WhatsApp: what a delivered message costs by country, category and day, or every mistake in the file
with its line.

Prices are exact decimals of the list's currency, days are local ones of the account. What a message really cost is told
by WhatsApp with its status; see `bot.store.message_costs`. Sources: Meta, "Pricing"; each entry names its own.
"""

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Literal, TypeAlias, TypeVar

from pydantic import BeforeValidator, Field

from flows.yaml_lines import Mistake, Node, Path, read_lines
from flows.yaml_values import Day, Number, Part, Words, mistake_at, refusal, validated

_PRICE = re.compile(r"(0|[1-9][0-9]{0,4})(\.[0-9]{1,6})?", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_CALLING_CODE = re.compile(r"[1-9][0-9]{0,6}", re.ASCII)

Category: TypeAlias = Literal[
    "service",
    "utility",
    "marketing",
    "marketing_lite",
    "authentication",
    "authentication-international",
    "referral_conversion",
]
"""Meta's words. `service`: free form, inside an open window; the others are templates."""
FREE_TYPES = frozenset({"free_customer_service", "free_entry_point"})
"""Meta's words for messages that cost nothing; the third, `regular`, costs what the list says."""


class NotPriced(Exception):
    """The list has no price of that category, country and day: add an entry to the file."""

    def __init__(self, category: str, country: str, day: date) -> None:
        super().__init__(
            f"no price of {category} in {country} on {day}; add an entry to the price list (ACERTO_PRICES)"
        )


def _price(written: object) -> Decimal:
    if not isinstance(written, str) or not _PRICE.fullmatch(written):
        raise refusal("this is no price", "Write it like 0.0068: a point, at most six decimals, not negative.")
    return Decimal(written)


def _currency(written: object) -> str:
    if not isinstance(written, str) or not _CURRENCY.fullmatch(written):
        raise refusal("this is no currency", "Write its three letters, like USD.")
    return written


def _country(written: object) -> str:
    if not isinstance(written, str) or not _COUNTRY.fullmatch(written):
        raise refusal("this is no country", "Write its two letters, like BR.")
    return written


def _calling_code(written: object) -> str:
    if not isinstance(written, str) or not _CALLING_CODE.fullmatch(written):
        raise refusal("this is no calling code", 'Write its digits without a plus, like "55".')
    return written


Price = Annotated[Decimal, BeforeValidator(_price)]
"""Of one message, in the list's currency: up to six decimals, from the text itself."""
CountryCode = Annotated[str, BeforeValidator(_country)]
"""ISO 3166, two letters."""


class _Entry(Part):
    """What holds from a day on. `certainty`: how well it is known, by `source`."""

    from_: Day = Field(alias="from")
    certainty: Literal["documented", "reported", "uncertain"]
    source: Words


class Rate(_Entry):
    """A price from a day on. `in_window`: of a template inside an open 24-hour window, where that is another."""

    price: Price
    in_window: Price | None = None


class FreeMessages(_Entry):
    """How many delivered service messages cost nothing, for each number and month, from a day on."""

    messages: Annotated[Number, Field(ge=0, le=999_999)]


class Country(Part):
    """The prices of people whose numbers begin with one of the calling codes."""

    calling_codes: tuple[Annotated[str, BeforeValidator(_calling_code)], ...]
    prices: dict[Category, tuple[Rate, ...]]


class PriceList(Part):
    """All prices, in one currency (ISO 4217). `home` is the country of people of whom nothing else is known."""

    name: Words = Field(alias="prices")
    title: Words
    currency: Annotated[str, BeforeValidator(_currency)]
    home: CountryCode
    free_service_messages: tuple[FreeMessages, ...] = ()
    countries: dict[CountryCode, Country]

    def rate_on(self, category: str, country: str, day: date) -> Rate | None:
        """Return the entry that holds on a day; None where the list has none."""
        listed = self.countries.get(country)
        rates = {str(name): rates for name, rates in listed.prices.items()} if listed is not None else {}
        return _holding(rates.get(category, ()), day)

    def free_messages_on(self, day: date) -> int:
        """Return how many service messages are free in the month of a day."""
        entry = _holding(self.free_service_messages, day)
        return entry.messages if entry is not None else 0

    def country_of(self, wa_id: str | None, user_id: str | None = None) -> str:
        """Return a person's country: by the number's calling code, else as their user id begins (`BR.…`), else home.

        A number of a country that is not listed is `ZZ`, which has no price.
        """
        if wa_id is not None:
            codes = [(code, name) for name, listed in self.countries.items() for code in listed.calling_codes]
            found = [(len(code), name) for code, name in codes if wa_id.startswith(code)]
            return max(found)[1] if found else "ZZ"
        return user_id[:2] if user_id is not None and _COUNTRY.match(user_id) else self.home


def read_prices(source: bytes, *, name: str) -> PriceList | tuple[Mistake, ...]:
    """Return the price list, or every mistake in the file in the order of its lines; `name` is the file's name in them.
    Never raises.
    """
    node, mistakes = read_lines(source, file=name)
    if node is None:
        return mistakes
    prices, wrong = validated(PriceList, node, file=name)
    found = [*mistakes, *wrong]
    if prices is not None:
        found += _across(prices, node, file=name)
    if found or prices is None:
        return tuple(sorted(found, key=lambda mistake: (mistake.line, mistake.column)))
    return prices


def price_of(prices: PriceList, category: str, country: str, day: date, *, in_window: bool = False) -> Decimal:
    """Return what one delivered message costs on a local day, before any free ones are counted.

    Raises NotPriced where the list does not say.
    """
    rate = prices.rate_on(category, country, day)
    if rate is None:
        raise NotPriced(category, country, day)
    return rate.in_window if in_window and rate.in_window is not None else rate.price


def charged(
    prices: PriceList, *, category: str, pricing_type: str | None, billable: bool | None, country: str, day: date
) -> Decimal | None:
    """Return what a message cost that WhatsApp priced so; None where the list does not say.

    Type and category decide: `billable` will go (Meta, "Messages status") and is asked only of types that nobody knows.
    """
    if pricing_type in FREE_TYPES or (pricing_type != "regular" and billable is False):
        return Decimal(0)
    rate = prices.rate_on(category, country, day)
    return rate.price if rate is not None else None


def monthly_free_left(prices: PriceList, *, day: date, service_used_this_month: int) -> int:
    """Return how many more service messages cost nothing in the month of a day."""
    return max(0, prices.free_messages_on(day) - service_used_this_month)


def cheaper_in_window(
    prices: PriceList, *, day: date, country: str, service_used_this_month: int, template_category: str = "utility"
) -> Literal["free_form", "template"]:
    """Return what costs less inside an open window, on a local day.

    Of two that cost the same, and where the list does not say, the free form: it says more in one message.
    """
    if monthly_free_left(prices, day=day, service_used_this_month=service_used_this_month) > 0:
        return "free_form"
    try:
        free_form = price_of(prices, "service", country, day)
        template = price_of(prices, template_category, country, day, in_window=True)
    except NotPriced:
        return "free_form"
    return "template" if template < free_form else "free_form"


E = TypeVar("E", bound=_Entry)


def _holding(entries: Sequence[E], day: date) -> E | None:
    """The last entry that has begun; they stand in the order of their days."""
    return next((entry for entry in reversed(entries) if entry.from_ <= day), None)


def _across(prices: PriceList, node: Node, *, file: str) -> list[Mistake]:
    """Mistakes that one value alone does not show: an unlisted home, a shared calling code, days out of order."""
    found = _out_of_order(prices.free_service_messages, node, ("free_service_messages",), file=file)
    if prices.home not in prices.countries:
        found.append(mistake_at(node, ("home",), f"{prices.home} is not listed", "Add it to countries.", file=file))
    owners: dict[str, str] = {}
    path: Path
    for name, country in prices.countries.items():
        if not country.calling_codes:
            path = ("countries", name, "calling_codes")
            found.append(
                mistake_at(node, path, "no code stands here", 'Write what numbers begin with: ["55"].', file=file)
            )
        for index, code in enumerate(country.calling_codes):
            if code in owners:
                path = ("countries", name, "calling_codes", index)
                reason = f"{code} belongs to {owners[code]} already"
                found.append(mistake_at(node, path, reason, "Keep it in one country.", file=file))
            owners.setdefault(code, name)
        for category, rates in country.prices.items():
            found += _out_of_order(rates, node, ("countries", name, "prices", category), file=file)
    return found


def _out_of_order(entries: Sequence[_Entry], node: Node, path: Path, *, file: str) -> list[Mistake]:
    return [
        mistake_at(
            node,
            (*path, index, "from"),
            f"{later.from_} does not come after {earlier.from_}",
            "Put the entries in the order of their days, each day once.",
            file=file,
        )
        for index, (earlier, later) in enumerate(pairwise(entries), 1)
        if later.from_ <= earlier.from_
    ]
