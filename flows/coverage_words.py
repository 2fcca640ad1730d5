"""What was found in a policy's coverage, in sentences: what is so, an example, and what may be done about it."""

from typing import assert_never

from flows.explain import Say, days_in_words, like
from flows.policy import Policy
from flows.policy_coverage import CoverageFinding, Example


def told(finding: CoverageFinding, policy: Policy, say: Say) -> tuple[str, str]:
    """Return what a finding says, with its example, and what to do."""
    example = example_in_words(finding.example, say)
    winner = policy.rules[finding.other].name if finding.other is not None else ""
    name = policy.rules[finding.rule].name if finding.rule is not None else ""
    match finding.kind:
        case "gap":
            days = days_in_words(*finding.days, say)
            text = say("No rule takes some debts ({days}), for example: {example}. They get no offer.")
            return text.format(days=days, example=example), say("Add a rule for them, if that is not meant.")
        case "overlap":
            text = say(
                "“{rule}” and “{winner}” take some of the same debts; “{winner}” comes first. For example: {example}."
            )
            return text.format(rule=name, winner=winner, example=example), say(
                "Change their order, if that is not meant."
            )
        case "unreachable":
            text = say(
                "“{rule}” can never apply, the rules before it take its debts. For example “{winner}”: {example}."
            )
            return text.format(rule=name, winner=winner, example=example), say("Move it up, or narrow the others.")
        case "never_appears":
            offers = policy.rules[finding.rule or 0].offers or ()
            text = say("“{offer}” of “{rule}” can never appear: ceilings or the smallest instalment exclude it."
                       " Not for example: {example}.")  # fmt: skip
            said = text.format(offer=offers[finding.offer or 0].name, rule=name, example=example)
            return said, say("Change the offer or its limits, or delete it.")
        case _:
            assert_never(finding.kind)


def example_in_words(example: Example, say: Say) -> str:
    """Return the example debt in words."""
    return like(
        days_overdue=example.days_overdue,
        total_cents=example.total_cents,
        tags=example.tags,
        late_before=example.late_before,
        say=say,
    )
