"""Papers that a person asks for in the chat: a receipt, a quittance, the terms or the calendar of an agreement."""

from flows.effects import SendPaper
from flows.moment import THREE, Moment


def send_paper(moment: Moment) -> None:
    """The paper that was asked for, or kindly why there is none."""
    agreement = moment.agreements[0] if moment.agreements else None
    match moment.wish.topic:
        case "terms" if agreement is not None:
            paper = SendPaper(kind="terms", agreement_offer_no=agreement.offer_no, otherwise="no_paper")
        case "calendar" if agreement is not None:
            paper = SendPaper(kind="calendar", agreement_offer_no=agreement.offer_no, otherwise="no_paper")
        case "quittance":
            paper = SendPaper(kind="quittance", otherwise="no_quittance")
        case "receipt":
            paper = SendPaper(kind="receipt", otherwise="no_receipt")
        case _:
            moment.say("no_paper", *THREE)
            return
    moment.effects.append(paper)
