"""What a message costs: by day, category and country, inside the window, over a month, and mistakes in the file."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.cost_estimate import Planned, estimate, over_ceiling
from flows.prices import NotPriced, PriceList, charged, cheaper_in_window, monthly_free_left, price_of, read_prices
from tests.tables import table

FILE = Path(__file__).parent.parent / "flows" / "prices" / "whatsapp.yaml"
DAYS = st.dates(min_value=date(2026, 7, 1), max_value=date(2030, 1, 1))

# Service costs more than utility here, as it may one day: then the template is the cheaper one.
DEARER = """\
prices: other
title: Other
currency: BRL
home: BR
free_service_messages:
  - {from: 2026-10-01, messages: 2, certainty: reported, source: a card}
  - {from: 2027-01-01, messages: 0, certainty: reported, source: a card}
countries:
  BR:
    calling_codes: ["55"]
    prices:
      service: [{from: 2026-10-01, price: 0.05, certainty: reported, source: a card}]
      utility:
        - {from: 2026-10-01, price: 0.08, in_window: 0.04, certainty: reported, source: a card}
      marketing: [{from: 2026-10-01, price: 0.35, certainty: reported, source: a card}]
  PT:
    calling_codes: ["351"]
    prices:
      service: [{from: 2026-10-01, price: 0.05, certainty: uncertain, source: a card}]
      utility: [{from: 2026-10-01, price: 0.05, certainty: uncertain, source: a card}]
"""


def read(text: str) -> PriceList:
    """Return a list that has no mistake."""
    prices = read_prices(text.encode(), name="prices.yaml")
    assert isinstance(prices, PriceList), prices
    return prices


SHIPPED = read(FILE.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    *table("""
        day        | category       | outside  | inside
        2026-07-01 | service        | 0        | 0       # free form was free until October
        2026-09-30 | service        | 0        | 0
        2026-10-01 | service        | 0.0068   | 0.0068  # since then it is charged
        2026-07-01 | utility        | 0.0068   | 0
        2026-09-30 | utility        | 0.0068   | 0
        2026-10-01 | utility        | 0.0068   | 0.0068
        2026-12-31 | authentication | 0.0068   | 0.0068
        2026-09-30 | marketing      | 0.0625   | 0.0625
        2027-05-01 | marketing      | 0.0625   | 0.0625
        2026-11-10 | marketing_lite | 0.0625   | 0.0625
        2026-06-30 | utility        | -        | -       # before the first card that is known
        2026-11-10 | carrier_pigeon | -        | -
    """)
)
def test_each_day_has_its_own_price(day: str, category: str, outside: object, inside: object) -> None:
    on = date.fromisoformat(day)
    for wanted, in_window in ((outside, False), (inside, True)):
        if wanted is None:
            with pytest.raises(NotPriced, match=category):
                price_of(SHIPPED, category, "BR", on, in_window=in_window)
        else:
            assert price_of(SHIPPED, category, "BR", on, in_window=in_window) == Decimal(str(wanted))


@pytest.mark.parametrize(
    *table("""
        wa_id         | user_id            | country
        5511987654321 | -                  | BR
        351912345678  | BR.1349120         | PT      # the number counts
        3519          | -                  | PT
        4917012345678 | -                  | ZZ      # not listed, so without a price
        -             | PT.1349120         | PT
        -             | -                  | BR      # home
    """)
)
def test_the_country_is_the_persons(wa_id: object, user_id: str | None, country: str) -> None:
    number = str(wa_id) if wa_id is not None else None
    assert read(DEARER).country_of(number, user_id) == country


@pytest.mark.parametrize(
    *table("""
        prices  | day        | used | category  | country | cheaper
        shipped | 2026-09-01 | 5000 | utility   | BR      | free_form  # both are free
        shipped | 2026-11-10 | 0    | utility   | BR      | free_form  # nothing of the month is used
        shipped | 2026-11-10 | 999  | utility   | BR      | free_form
        shipped | 2026-11-10 | 1000 | utility   | BR      | free_form  # the same price: the fuller message
        shipped | 2026-11-10 | 1000 | marketing | BR      | free_form
        dearer  | 2026-11-10 | 1    | utility   | BR      | free_form  # the last free one
        dearer  | 2026-11-10 | 2    | utility   | BR      | template
        dearer  | 2026-11-10 | 2    | marketing | BR      | free_form
        dearer  | 2026-11-10 | 2    | utility   | PT      | free_form
        dearer  | 2027-01-01 | 0    | utility   | BR      | template   # none is free any more
        dearer  | 2026-11-10 | 2    | utility   | DE      | free_form  # the list does not say
    """)
)
def test_inside_a_window_the_cheaper_goes_out(
    prices: str, day: str, used: int, category: str, country: str, cheaper: str
) -> None:
    assert (
        cheaper_in_window(
            SHIPPED if prices == "shipped" else read(DEARER),
            day=date.fromisoformat(day),
            country=country,
            service_used_this_month=used,
            template_category=category,
        )
        == cheaper
    )


@pytest.mark.parametrize(
    *table("""
        day        | used | left
        2026-09-30 | 0    | 0     # there was nothing to count: all were free
        2026-10-01 | 0    | 1000
        2026-10-31 | 999  | 1
        2026-11-01 | 4321 | 0
    """)
)
def test_the_month_has_a_thousand_free_answers(day: str, used: int, left: int) -> None:
    assert monthly_free_left(SHIPPED, day=date.fromisoformat(day), service_used_this_month=used) == left


@pytest.mark.parametrize(
    *table("""
        category  | pricing_type          | billable | cost
        utility   | regular               | yes      | 0.0068
        utility   | regular               | no       | 0.0068  # type and category decide
        utility   | regular               | -        | 0.0068
        marketing | regular               | -        | 0.0625
        service   | free_customer_service | yes      | 0
        marketing | free_entry_point      | -        | 0
        utility   | -                     | -        | 0.0068
        utility   | -                     | no       | 0
        utility   | free_some_day         | yes      | 0.0068
        unheard   | regular               | yes      | -
        unheard   | free_entry_point      | -        | 0
    """)
)
def test_what_whatsapp_says_of_a_message_is_its_price(
    category: str, pricing_type: str | None, billable: bool | None, cost: object
) -> None:
    found = charged(
        SHIPPED, category=category, pricing_type=pricing_type, billable=billable, country="BR", day=date(2026, 11, 10)
    )
    assert found == (Decimal(str(cost)) if cost is not None else None)


@pytest.mark.parametrize(
    *table("""
        was                           | becomes                     | line | said
        currency: BRL                 | currency: reais             | 3    | no currency
        home: BR                      | home: AR                    | 4    | AR is not listed
        title: Other                  | titel: Other                | 2    | unknown
        messages: 2                   | messages: some              | 6    | no whole number
        from: 2027-01-01, messages: 0 | from: 2026-09-01, messages: 0 | 7  | does not come after 2026-10-01
        price: 0.08                   | price: 0.0000008            | 14   | no price
        price: 0.08                   | price: -0.08                | 14   | no price
        in_window: 0.04               | inside: 0.04                | 14   | unknown
        marketing:                    | marketting:                 | 15   | not possible
        ["351"]                       | ["55"]                      | 17   | belongs to BR
        ["351"]                       | ["+351"]                    | 17   | no calling code
        ["351"]                       | []                          | 17   | no code
        PT:                           | Portugal:                   | 16   | no country
        certainty: uncertain          | certainty: hoped            | 19   | not possible
        source: a card                | sauce: a card               | 6    | unknown
    """)
)
def test_a_mistake_is_told_with_its_line(was: str, becomes: str, line: int, said: str) -> None:
    assert was in DEARER
    wrong = read_prices(DEARER.replace(was, becomes).encode(), name="prices.yaml")
    assert isinstance(wrong, tuple)
    assert any(mistake.line == line and said in mistake.reason for mistake in wrong), [str(each) for each in wrong]
    assert all(mistake.remedy for mistake in wrong)


def test_all_mistakes_are_told_at_once() -> None:
    broken = DEARER.replace("currency: BRL", "currency: reais").replace("price: 0.08", "price: cheap")
    wrong = read_prices(broken.encode(), name="prices.yaml")
    assert isinstance(wrong, tuple)
    assert [mistake.line for mistake in wrong] == [3, 14]


@given(text=st.text(max_size=200), junk=st.binary(max_size=50))
def test_no_file_whatever_makes_the_reading_fall(text: str, junk: bytes) -> None:
    for source in (text.encode("utf-8", "ignore"), junk, DEARER.encode() + junk, DEARER.replace("0.08", text).encode()):
        read_prices(source, name="prices.yaml")


@given(day=DAYS, used=st.integers(0, 5000), category=st.sampled_from(["utility", "marketing"]))
def test_what_goes_out_inside_a_window_never_costs_more_than_the_other(day: date, used: int, category: str) -> None:
    for prices in (SHIPPED, read(DEARER)):
        if prices.rate_on(category, "BR", day) is None:
            continue
        free = monthly_free_left(prices, day=day, service_used_this_month=used) > 0
        costs = {
            "free_form": Decimal(0) if free else price_of(prices, "service", "BR", day),
            "template": price_of(prices, category, "BR", day, in_window=True),
        }
        chosen = cheaper_in_window(
            prices, day=day, country="BR", service_used_this_month=used, template_category=category
        )
        assert costs[chosen] == min(costs.values())


def planned(day: date, messages: int, category: str = "utility") -> Planned:
    """Return messages to Brazil."""
    return Planned(day=day, category=category, messages=messages, country="BR")


def test_an_estimate_says_the_least_and_the_most_of_each_month() -> None:
    november, december = date(2026, 11, 1), date(2026, 12, 1)
    found = estimate(
        [
            planned(date(2026, 12, 4), 300),
            planned(date(2026, 11, 3), 900),
            planned(date(2026, 11, 9), 400),
            planned(date(2026, 11, 20), 100, "marketing"),
        ],
        SHIPPED,
    )
    assert list(found) == [november, december]
    assert (found[november].low, found[november].high) == (400 * Decimal("0.0068"), Decimal("15.09"))
    assert (found[december].low, found[december].high) == (Decimal(0), 300 * Decimal("0.0068"))
    assert estimate([], SHIPPED) == {}


@given(st.lists(st.tuples(DAYS, st.integers(0, 3000), st.sampled_from(["utility", "marketing"])), max_size=12))
def test_the_least_is_never_more_than_the_most(some: list[tuple[date, int, str]]) -> None:
    for each in estimate([planned(*one) for one in some], SHIPPED).values():
        assert 0 <= each.low <= each.high


@pytest.mark.parametrize(
    *table("""
        so_far   | next   | ceiling_cents | over
        499.9932 | 0.0068 | 50000         | no   # exactly at it
        499.9933 | 0.0068 | 50000         | yes
        0        | 0.0068 | 0             | yes
        0        | 0      | 0             | no
    """)
)
def test_a_ceiling_is_not_passed_by_a_message(so_far: object, next: object, ceiling_cents: int, over: bool) -> None:
    assert over_ceiling(Decimal(str(so_far)), Decimal(str(next)), ceiling_cents) is over


def test_the_shipped_list_knows_each_day_since_it_began() -> None:
    for on in (date(2026, 7, 1) + timedelta(days=n) for n in range(0, 720, 7)):
        for category in ("service", "utility", "marketing", "authentication"):
            assert price_of(SHIPPED, category, SHIPPED.home, on) >= 0
