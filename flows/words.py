"""Every text that the bot says, by its name, in English; the catalogue has the Portuguese that people read.

The end of a field's name tells how it is written (see `flows.wording`); `{lines}` stands for several lines, each a text
of its own.
"""

from collections.abc import Mapping

WORDS: Mapping[str, str] = {
    "button_pay": "Pay now",
    "button_negotiate": "Negotiate",
    "button_human": "Talk to a person",
    "button_not_me": "It is not me",
    "button_its_me": "It is me",
    # When something is due, in a reminder.
    "when_today": "today",
    "when_tomorrow": "tomorrow",
    "when_yesterday": "yesterday",
    "when_ago": "{count} days ago",
    "reminded_due": "{description} (due {when})",
    "reminded_late": "{description} (was due {when})",
    "reminded_instalment": "{description}, instalment {n} of {count}",
    "reminded_entry": "{description}, entry",
    "button_try_again": "Try again",
    "button_choose": "Choose",
    "button_see_offers": "See options",
    "button_see_options": "What I can do",
    "button_confirm": "Confirm",
    "button_other_day": "Another due day",
    "button_other_offers": "See other options",
    "button_payment_page": "Open payment page",
    "button_card": "Pay by card",
    "row_debt": "{description}",
    "row_debt_late": "{total_cents} today · was due on {due_on}",
    "row_debt_due": "{total_cents} · due on {due_on}",
    "row_instalment_detail": "Agreement: {amount_cents}, due on {due_on}",
    "row_all": "All together",
    "row_all_detail": "{count} bills, {total_cents} today",
    "row_quote_detail": "{total_cents}, paying until {until_on}",
    "row_cash": "In cash: {total_cents}",
    "row_cash_detail": "{saved_cents} off, paying until {until_on}",
    "row_cash_plain": "Paying until {until_on}",
    "row_plan_label": "{count}x of {amount_cents}",
    "row_plan_free": "Total {total_cents}, no interest",
    "row_plan_interest": "Total {total_cents}, {rate_percent} a month",
    "row_plan_entry_free": "Entry of {entry_cents}, total {total_cents}, no interest",
    "row_plan_entry_interest": "Entry {entry_cents}, total {total_cents}, {rate_percent} a month",
    "row_promise": "Promise to pay",
    "row_promise_detail": "Pay until {until_on}; no reminders till then",
    "row_more": "Other options",
    "row_more_detail": "See the other numbers of instalments",
    "row_day": "Day {day}",
    "row_date": "{due_on}",
    "row_pay_next": "Pay the next one",
    "row_pay_next_detail": "{amount_cents}, due on {due_on}",
    "row_settle_all": "Settle all of it today",
    "row_settle_all_detail": "{total_cents}, and the agreement is complete",
    "row_settle_all_off_detail": "{total_cents}: {saved_cents} less interest",
    "row_move_date": "Change the date",
    "row_move_date_detail": "Of the payment due on {due_on}",
    "row_renegotiate": "Review the agreement",
    "row_renegotiate_detail": "See other plans; until then nothing changes",
    "line_principal": "Principal: {amount_cents}",
    "line_fine": "Fine: {amount_cents}",
    "line_interest": "Interest: {amount_cents}",
    "line_discount": "Discount: −{amount_cents}",
    "line_owed_late": "• {description}: {total_cents} today (was due on {due_on})",
    "line_owed": "• {description}: {total_cents}, due on {due_on}",
    "line_agreement": "• {description}: agreement, {amount_cents} due on {due_on}",
    "line_agreement_late": "• {description}: agreement, {amount_cents} today (was due on {due_on})",
    "line_more": "• and {count} more",
    "line_payments": "Amount: {amount_cents}",
    "line_interest_off": "Interest not charged: −{amount_cents}",
    "line_entry_late": "Entry: {amount_cents} today (was due on {due_on})",
    "line_instalment_late": "{n}. {amount_cents} today (was due on {due_on})",
    "line_entry": "Entry: {amount_cents} until {due_on}",
    "line_instalment": "{n}. {amount_cents} until {due_on}",
    "line_statement_before": "• Until {until_on}: {paid_cents} paid, {open_cents} left",
    "line_statement_opened": "• {day_on}: bill of {amount_cents}",
    "line_statement_changed": "• {day_on}: amount corrected, {open_cents} left",
    "line_statement_agreed": "• {day_on}: agreement of {amount_cents} in {count}x",
    "line_statement_paid": "• {day_on}: paid {amount_cents}, {open_cents} left",
    "line_statement_returned": "• {day_on}: {amount_cents} returned, {open_cents} left",
    "line_statement_ended": "• {day_on}: agreement ended, {open_cents} left",
    "line_statement_settled": "• {day_on}: agreement complete",
    "line_statement_sum": "• {description}: {paid_cents} paid, {open_cents} today",
    "ask_who": (
        "Hello! This is the assistant of {creditor}. To look after your privacy, please write only the "
        "first 3 digits of your CPF or CNPJ."
    ),
    "ask_who_again": (
        "I only need the first 3 digits of your CPF or CNPJ to go on. If this is not your number, just tell me."
    ),
    "answer_wrong": (
        "That does not match what we have here. Could you check and write the first 3 digits of your CPF or CNPJ again?"
    ),
    "identity_ticket": (
        "I could not confirm who is there, so a person of our team will go on with you. They answer here, "
        "in business hours."
    ),
    "out_of_tries": "For your safety I cannot confirm your data again today. A person of our team can help you.",
    "nobody_known": (
        "Hello! This is the assistant of {creditor}. I did not find a record with this number. If you need "
        "something, a person of our team can help."
    ),
    "contact_closed": (
        "Hello! We do not send messages to this number any more. If you need something, a person of our team can help."
    ),
    "not_me": "Thank you for telling us, and sorry for the trouble. We will not contact this number any more.",
    "menu": "Thank you, {first_name}. This is open ({creditor}):\n\n{lines}\n\nHow would you like to settle it?",
    "menu_hello": "Hello, {first_name}! This is open ({creditor}):\n\n{lines}\n\nHow would you like to settle it?",
    "menu_again": "{first_name}, this is open ({creditor}):\n\n{lines}\n\nHow would you like to settle it?",
    "menu_stale": (
        "That option is not valid any more, {first_name}. This is open ({creditor}):\n\n{lines}\n\nHow "
        "would you like to settle it?"
    ),
    "statement": (
        "{first_name}, this is {description}, line by line ({creditor}):\n\n{lines}\n\nToday it is *{total_cents}*."
    ),
    "statement_settled": (
        "{first_name}, this is {description}, line by line ({creditor}):\n\n{lines}\n\nNothing is left to pay."
    ),
    "statements": (
        "{first_name}, this is what was paid and what is left ({creditor}):\n\n{lines}\n\nToday it is *{total_cents}*."
    ),
    "nothing_open": "{first_name}, nothing is open here. Everything is settled, thank you!",
    "which_to_pay": "Which one would you like to pay?",
    "which_to_quote": "These are the amounts for {until_on}. Which one would you like to pay?",
    "quoted": "Paying until {until_on}, it is *{total_cents}*. Today it would be {today_cents}.",
    "quoted_same": "Paying until {until_on}, it stays *{total_cents}*.",
    "quote_today": "Today it is *{total_cents}*:\n{lines}\n\nHow would you like to settle it?",
    "quote_today_plain": "Today it is *{total_cents}*. How would you like to settle it?",
    "quote_far": (
        "I can tell amounts until {until_on}. Today it is *{total_cents}*:\n{lines}\n\nHow would you like to settle it?"
    ),
    "quote_far_plain": (
        "I can tell amounts until {until_on}. Today it is *{total_cents}*. How would you like to settle it?"
    ),
    "which_to_negotiate": "Which one would you like to negotiate?",
    "which_to_negotiate_again": "That option is not valid any more. Which one would you like to negotiate?",
    "pay_plain": (
        "*{description}*\nAmount: *{total_cents}*, valid until {until_on}.\n\nPayee: {payee}. Scan the QR "
        "or use the code in the next message."
    ),
    "pay_one": (
        "*{description}*\n{lines}\nTotal: *{total_cents}*, valid until {until_on}.\n\nPayee: {payee}. Scan "
        "the QR or use the code in the next message."
    ),
    "pay_several": (
        "*{count} bills together*\n{lines}\nTotal: *{total_cents}*, valid until {until_on}.\n\nPayee: "
        "{payee}. Scan the QR or use the code in the next message."
    ),
    "pay_entry": (
        "*Entry of your agreement*\n{description}\nAmount: *{total_cents}*, until {until_on}.\n\nPayee: "
        "{payee}. Scan the QR or use the code in the next message."
    ),
    "pay_instalment": (
        "*Instalment {n} of {count} of your agreement*\n{description}\nAmount: *{total_cents}*, until "
        "{until_on}.\n\nPayee: {payee}. Scan the QR or use the code in the next message."
    ),
    "charge_coming": "One moment, your Pix code is being made. I will send it here.",
    "charge_failed": "I could not make the Pix code now. You can try again in a moment, or talk to a person.",
    "paid_all": "Payment of {amount_cents} confirmed. Thank you, {first_name}! This is settled.",
    "paid_some": (
        "Payment of {amount_cents} confirmed. Thank you, {first_name}! {open_cents} is still open; "
        "whenever you wish, write *menu*."
    ),
    "paid_instalment": (
        "Payment of {amount_cents} confirmed. Thank you, {first_name}! {open_cents} of the agreement is "
        "still open; the next payment is due on {due_on}."
    ),
    "paid_agreement_settled": (
        "Payment of {amount_cents} confirmed. Congratulations, {first_name}: your agreement is wholly paid. Thank you!"
    ),
    "paid_too_much": (
        "Payment of {amount_cents} confirmed, thank you. {surplus_cents} of it was more than was owed; a "
        "person of our team will look at it and answer you here. Nothing is lost."
    ),
    "paid_twice": (
        "Payment of {amount_cents} received, thank you. This had been paid before, so a person of our team "
        "will look at it and answer you here. Nothing is lost."
    ),
    "money_back": (
        "{first_name}, {amount_cents} of your payment of {paid_on} went back, through your bank, to the account it "
        "came from. Nothing changes in what you owe."
    ),
    "money_back_open": (
        "{first_name}, {amount_cents} of your payment of {paid_on} went back, through your bank, to the account it "
        "came from. So {open_cents} is open again; no fine is added for the time between. If this is a mistake, "
        "talk to us."
    ),
    "money_back_ours": (
        "{first_name}, we sent {amount_cents} of your payment of {paid_on} back to the account it came from."
    ),
    "money_back_ours_open": (
        "{first_name}, we sent {amount_cents} of your payment of {paid_on} back to the account it came from. So "
        "{open_cents} is open again; no fine is added for the time between."
    ),
    "payment_found": (
        "Good news, {first_name}: we found your payment of {paid_on}, and {amount_cents} of it is booked for "
        "{description}. Thank you! This is settled."
    ),
    "payment_found_open": (
        "Good news, {first_name}: we found your payment of {paid_on}, and {amount_cents} of it is booked for "
        "{description}. Thank you! {open_cents} is still open."
    ),
    "offers": (
        "*{description}*: {total_cents} today.\nThese are the options we can offer you. Choose one to see "
        "all the details before deciding."
    ),
    "offers_again": (
        "That option is not valid any more. *{description}*: {total_cents} today. These are the options of today."
    ),
    "terms_cash": (
        "*{description}, in cash*\nYou pay {total_cents} until {until_on}.\nYou save {saved_cents}.\n\n"
        "Shall I make the Pix code?"
    ),
    "terms_cash_plain": (
        "*{description}, in cash*\nYou pay {total_cents} until {until_on}.\n\nShall I make the Pix code?"
    ),
    "terms_dates": "*{description}*\n{lines}",
    "terms_free": (
        "*{description}* ({creditor})\n{lines}\n\nTotal: {total_cents}\nNo interest (0% a month, CET 0% a "
        "year)\nOffer valid until {valid_on}.\n\n{rules}\n\nDo you confirm this agreement?"
    ),
    "terms_free_saved": (
        "*{description}* ({creditor})\n{lines}\n\nTotal: {total_cents}\nYou save: {saved_cents}\nNo "
        "interest (0% a month, CET 0% a year)\nOffer valid until {valid_on}.\n\n{rules}\n\nDo you confirm this "
        "agreement?"
    ),
    "terms_interest": (
        "*{description}* ({creditor})\n{lines}\n\nTotal: {total_cents}\nInterest: {rate_percent} a month, "
        "CET {cet_percent} a year\nOffer valid until {valid_on}.\n\n{rules}\n\nDo you confirm this agreement?"
    ),
    "terms_interest_saved": (
        "*{description}* ({creditor})\n{lines}\n\nTotal: {total_cents}\nYou save: {saved_cents}\nInterest: "
        "{rate_percent} a month, CET {cet_percent} a year\nOffer valid until {valid_on}.\n\n{rules}\n\nDo you "
        "confirm this agreement?"
    ),
    "rule_late": "A late payment costs a fine of {fine_percent} and interest of {month_percent} a month.",
    "rule_broken": (
        "If a payment is not made, the agreement may be undone: the original debt less what was paid counts again."
    ),
    "rule_broken_days": (
        "With a payment more than {days} days late the agreement ends: the original debt less what was paid counts "
        "again."
    ),
    "rule_broken_missed": (
        "With {count} payments late the agreement ends: the original debt less what was paid counts again."
    ),
    "rule_broken_both": (
        "With a payment more than {days} days late, or {count} payments late, the agreement ends: the original debt "
        "less what was paid counts again."
    ),
    "rule_early": "Paying early lowers the interest: write *my agreement* at any time.",
    "rule_moved": "Dates that can be changed: {count}, by up to {days} days.",
    "which_day": "Which day of the month suits you for the next payments?",
    "agreed": (
        "Agreement made: {count} payments, {total_cents} in all. The first is due on {due_on}; its Pix comes next."
    ),
    "agreed_one": "Agreement made: one payment of {total_cents}, due on {due_on}. Its Pix comes next.",
    "agreement_stands": "Your agreement on {description} stands. Still to pay:\n\n{lines}",
    "pay_instalment_late": (
        "*Instalment {n} of {count} of your agreement*\n{description}\n{lines}\nTotal: *{total_cents}*, valid until "
        "{until_on}.\n\nPayee: {payee}. Scan the QR or use the code in the next message."
    ),
    "pay_entry_late": (
        "*Entry of your agreement*\n{description}\n{lines}\nTotal: *{total_cents}*, valid until {until_on}.\n\n"
        "Payee: {payee}. Scan the QR or use the code in the next message."
    ),
    "pay_agreement": (
        "*All that is open of your agreement*\n{description}\n{lines}\nTotal: *{total_cents}*, valid until "
        "{until_on}.\n\nPayee: {payee}. Scan the QR or use the code in the next message."
    ),
    "which_date": "The next payment is due on {due_on}. Which day suits you better?",
    "date_moved": (
        "Done: the payment of {amount_cents} that was due on {from_on} is now due on {due_on}, for the same amount."
    ),
    "date_stays": (
        "That date cannot be changed here, but a person can look at it. Your agreement on {description}:\n\n{lines}"
    ),
    "date_of_no_agreement": (
        "There is no agreement whose date could be changed. Right here you can pay, negotiate or talk to a person:"
    ),
    "offers_instead": (
        "*{description}*: without the present agreement {total_cents} would be open today (the original debt less what "
        "you paid). A new agreement takes its place only when you confirm; until then nothing changes."
    ),
    "agreement_at_risk": (
        "{first_name}, the payment of your agreement on {description} that was due on {due_on} is still open: "
        "{amount_cents} today. If nothing is paid until {until_on}, the agreement ends and the original debt counts "
        "again, less what you paid ({restored_cents} today). We would like to keep it with you: pay here, or tell us "
        "what happened."
    ),
    "agreement_broken": (
        "{first_name}, the agreement on {description} has ended because its payments did not come. The {paid_cents} "
        "that you paid count, and {total_cents} of the original debt are open today. It can still be settled here:"
    ),
    "agreement_broken_unpaid": (
        "{first_name}, the agreement on {description} has ended because its payments did not come. {total_cents} of "
        "the original debt are open today. It can still be settled here:"
    ),
    "promise_over": (
        "Hello, {first_name}. You had planned to pay {description} until {until_on}, and it is still open here: "
        "{total_cents} today. If you have paid, thank you, and forget this message. Otherwise, how can we help?"
    ),
    "promised": (
        "Agreed, until {until_on}. There will be no reminders till then. If you prefer, you can pay right "
        "here at any time."
    ),
    "no_promise": "I cannot note down a day for this one, but here is what can be done right now.",
    "nothing_to_offer": (
        "There is no ready offer for this one. You can pay the amount of today, or talk to a person about your case."
    ),
    "people_decide": "A person of our team looks after cases like yours and will answer you here, in business hours.",
    "person_called": (
        "All right, I have called a person of our team. They will answer here, in business hours; you can "
        "already write what you need."
    ),
    "hardship": (
        "Thank you for telling us. Nobody will press you: a person of our team will look at your case and "
        "answer you here."
    ),
    "dispute": "I understand. A person of our team will check this with you and answer you here.",
    "opted_out": (
        "Done: we will not send you any more reminders here. If you write, we answer. To receive them "
        "again, write *voltar a receber*."
    ),
    "opted_in": "Done: you will receive our messages again.",
    "boleto_of_one": (
        "Here is the boleto of *{description}*: *{total_cents}*, due on {due_on}. Payee: {payee}.\n\nIts line "
        "comes in the next message, ready to be copied."
    ),
    "boleto_of_several": (
        "Here is the boleto of {count} bills together: *{total_cents}*, due on {due_on}. Payee: {payee}.\n\nIts "
        "line comes in the next message, ready to be copied."
    ),
    "card_page": (
        "If you prefer a card: up to 12 instalments, on the payment provider's own page. Never send a card's "
        "number here."
    ),
    "card_number": (
        "For your safety, please never send card numbers here; I did not keep the digits. A card is only ever "
        "typed on the payment provider's own page."
    ),
    "boleto": (
        "Here payment is by Pix, which is confirmed within moments. If you need a boleto, a person of our "
        "team can help."
    ),
    "paid_already": (
        "Thank you! As soon as the bank confirms, I will tell you here. If it was paid some time ago, a "
        "person can check it for you."
    ),
    "paid_unknown": (
        "Payment of {amount_cents} received, thank you. I could not tell what it was for, so a person of "
        "our team will look at it and answer you here. Nothing is lost."
    ),
    "why": (
        "You receive these messages because something of yours is open ({creditor}), at the contact you "
        "gave. To receive no more reminders, write *parar*."
    ),
    "why_eve": (
        "The message of {sent_on} was a reminder of {description}, the day before it falls due, as {creditor} does "
        "with everybody. It went to the number on record. To receive no more reminders, write *parar*."
    ),
    "why_before": (
        "The message of {sent_on} was a reminder of {description}, {days} days before it falls due, as {creditor} does "
        "with everybody. It went to the number on record. To receive no more reminders, write *parar*."
    ),
    "why_day": (
        "The message of {sent_on} was a reminder of {description}, on the day it falls due, as {creditor} does with "
        "everybody. It went to the number on record. To receive no more reminders, write *parar*."
    ),
    "why_next": (
        "The message of {sent_on} came because {description} was open a day after it fell due. {creditor} reminds "
        "everybody then, at the number on record. To receive no more reminders, write *parar*."
    ),
    "why_after": (
        "The message of {sent_on} came because {description} was open {days} days after it fell due. {creditor} "
        "reminds everybody then, at the number on record. To receive no more reminders, write *parar*."
    ),
    "welcome": "You are welcome! I am here if you need anything.",
    "calm": "I am sorry for the trouble. If you prefer, a person of our team can go on with you.",
    "faq_scam": (
        "It is right to be careful. Before you pay, check in your bank's app that the payee is {creditor}. "
        "We never ask for passwords or card data."
    ),
    "faq_payment_methods": "Here you can pay by Pix, all at once or in the instalments that we can offer.",
    "faq_settlement_time": "A Pix is usually confirmed within moments, and I tell you here as soon as it is.",
    "faq_other": "A person of our team can answer that. Right here you can:",
    "medium": "I cannot hear recordings or see pictures here. Could you write it, or choose one of the options?",
    "medium_receipt": (
        "Thank you! You need not send a receipt: as soon as the bank confirms the payment, I will tell you here."
    ),
    "misfit": "I did not understand, sorry. Right here you can:",
    "misfit_again": "I still did not understand. Would you like to talk to a person?",
    "nudge_neutral": "Are you still there? Whenever you like, we go on from here.",
    "nudge": "Are you still there? Whenever you like, we go on from here:",
    "back": "The assistant is back with you. What would you like to do?",
    "back_neutral": "The assistant is back with you. If you need something, just write.",
    "back_settled": "The assistant is back with you. Nothing is open here; if you need something, just write.",
    "note_charge_failed": "The provider did not make the charge.",
    "note_not_delivered": "A message was not delivered (code {code}).",
    "ask_who_in_letters": (
        "I cannot hear recordings or see pictures here. To go on, please write the first 3 digits of your CPF or CNPJ."
    ),
    "note_opted_out": "The person asked for no more reminders.",
    "button_calendar": "Put into calendar",
    "file_terms": "agreement.pdf",
    "file_quittance": "quittance.pdf",
    "file_receipt": "receipt.pdf",
    "file_calendar": "instalments.ics",
    "no_paper": "I have no such document for you here. A person of our team can help.",
    "no_receipt": "I have no payment of yours here yet. As soon as the bank confirms one, you can ask for its receipt.",
    "no_quittance": (
        "The quittance comes as soon as a debt is wholly paid. Until then I can send the receipt of a payment."
    ),
    "paper_terms": "Here is your agreement in writing. Keep it.",
    "paper_quittance": "Here is your quittance: what it describes is settled, with nothing left to pay. Keep it.",
    "paper_receipt": "Here is the receipt of your payment.",
    "paper_calendar": "To remember the dates: put the payments of the agreement into your phone's calendar.",
}
