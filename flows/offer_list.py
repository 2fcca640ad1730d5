"""The list of offers: its lines, and its pages where there are more than WhatsApp's ten."""

from flows.effects import Choice, Value
from flows.offers import CashOffer, InstalmentOffer, Offer, PromiseOffer

ROWS = 10  # WhatsApp's limit, of all sections together


def page_of(offers: tuple[Offer, ...], page: int) -> tuple[list[Offer], int | None]:
    """Return the offers of a page and the number of the next.

    The first page of a long list has what is no instalments, and the fewest, the middle and the most of them.
    """
    if len(offers) <= ROWS:
        return list(offers), None
    plans = sorted((o for o in offers if isinstance(o, InstalmentOffer)), key=lambda o: (o.count, o.name))
    first: list[Offer] = []
    first += [o for o in offers if not isinstance(o, InstalmentOffer)][: ROWS - 4]
    if plans:
        for plan in (plans[0], plans[len(plans) // 2], plans[-1]):
            if plan not in first:
                first.append(plan)
    if page <= 0:
        return first, 1
    others = [o for o in offers if o not in first]
    each = ROWS - 1
    start = (page - 1) * each
    if start >= len(others):
        return first, 1
    rest = others[start : start + each]
    return rest, page + 1 if start + each < len(others) else None


def row_of(offer: Offer, number: int) -> Choice:
    """Return the line of an offer: how it is paid in the title, what it comes to in the detail."""
    match offer:
        case CashOffer():
            detail = "row_cash_detail" if offer.discount_cents else "row_cash_plain"
            values: dict[str, Value] = {
                "total_cents": offer.total_cents,
                "saved_cents": offer.discount_cents,
                "until_on": offer.pay_until,
            }
            return Choice(action="offer", object_id=number, label="row_cash", detail=detail, values=values)
        case InstalmentOffer():
            entry = "row_plan_entry" if offer.entry_cents else "row_plan"
            detail = f"{entry}_interest" if offer.interest_percent_month else f"{entry}_free"
            values = {
                "count": offer.count,
                "amount_cents": offer.instalments[0].amount_cents,
                "entry_cents": offer.entry_cents,
                "total_cents": offer.total_cents,
                "rate_percent": offer.interest_percent_month,
            }
            return Choice(action="offer", object_id=number, label="row_plan_label", detail=detail, values=values)
        case PromiseOffer():
            return Choice(
                action="promise",
                object_id=number,
                label="row_promise",
                detail="row_promise_detail",
                values={"until_on": offer.until},
            )
