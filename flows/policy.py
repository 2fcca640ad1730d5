"""The negotiation policy: policy.yaml as a value, or every mistake in it with its line.

The file belongs to finance and is approved byte by byte, so it is read to the letter: a percentage is the decimal that
is written, never a float; an unknown word is a mistake, never ignored.
"""

import hashlib
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field, PrivateAttr

from flows.agreement_life import AgreementLife
from flows.policy_agreements import Agreements, Allocation
from flows.policy_checks import mistakes_across
from flows.policy_parts import Ceilings, LateCharges, OtherHolidays, Rule, Validity
from flows.yaml_lines import Mistake, read_lines
from flows.yaml_values import Part, Words, validated
from payments.late_charges import Terms


class Policy(Part):
    """What may be offered to whom. The first rule that serves wins."""

    name: Words = Field(alias="policy")
    title: Words
    currency: Literal["BRL"]
    valid: Validity
    late_charges: LateCharges
    holidays: OtherHolidays = OtherHolidays()
    never_beyond: Ceilings
    allocation: Allocation = Allocation()
    agreements: Agreements = Agreements()
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]
    _digest: str = PrivateAttr(default="")

    @property
    def digest(self) -> str:
        """What is approved: the SHA-256 of the file's bytes, hexadecimal."""
        return self._digest

    @property
    def life(self) -> AgreementLife:
        """How an agreement that is made under it lives."""
        return self.agreements.life(self.terms)

    @property
    def terms(self) -> Terms:
        """What being late costs, and on which days nobody has to pay, as the arithmetic takes it."""
        return replace(self.late_charges.terms, holidays=self.holidays.days)


def read_policy(source: bytes, *, name: str) -> Policy | tuple[Mistake, ...]:
    """Return the policy, or every mistake in the file in the order of its lines; `name` is the file's name in them.
    Never raises.
    """
    policy, mistakes = read_draft(source, name=name)
    return policy if policy is not None and not mistakes else mistakes


def read_draft(source: bytes, *, name: str) -> tuple[Policy | None, tuple[Mistake, ...]]:
    """Return what can be looked at, beside the mistakes: a policy whose every part reads, though names or ceilings
    still refuse it.
    """
    node, mistakes = read_lines(source, file=name)
    if node is None:
        return None, mistakes
    policy, wrong = validated(Policy, node, file=name)
    if policy is not None:
        policy._digest = hashlib.sha256(source).hexdigest()
    found = sorted(
        (*mistakes, *wrong, *mistakes_across(node, file=name)), key=lambda mistake: (mistake.line, mistake.column)
    )
    return (None if mistakes else policy), tuple(found)
