"""Pix without a provider: the code is made here from the creditor's key, and the bank's statement tells who paid.

A static code does not expire and may be paid more than once; the txid in it is what finds the payment on the statement.
"""

from payments.brcode import Merchant, static_code
from payments.providers.protocol import ChargeOrder, Conversation, Created, Provider


def create(order: ChargeOrder) -> Conversation[Created]:
    """Make the code of `order`. Nothing is asked of anybody."""
    yield from ()  # a conversation without a word
    merchant = Merchant(name=order.payee.name, city=order.payee.city)
    return Created(
        code=static_code(order.payee.key, merchant=merchant, amount_cents=order.amount_cents, txid=order.txid)
    )


STATIC = Provider(name="static", txid_characters=25, create=create)  # a static code takes 1 to 25
