"""What the program tells Prometheus about itself: counts and durations, never a person.

Each process tells of its own turns and sends; what waits in the database is read when asked (`bot.web.health`).
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

TURNS = Counter("acerto_turns", "Events decided.", registry=REGISTRY)
TURN_FAILURES = Counter("acerto_turn_failures", "Turns that were rolled back.", registry=REGISTRY)
TURN_BATCH_SECONDS = Histogram(
    "acerto_turn_batch_seconds", "One batch of turns, claim to commit.", buckets=_FAST, registry=REGISTRY
)
SENDS = Counter("acerto_sends", "POSTs to WhatsApp by what became of them.", ["outcome"], registry=REGISTRY)
SEND_SECONDS = Histogram(
    "acerto_send_seconds", "One POST to WhatsApp, there and back.", buckets=_FAST, registry=REGISTRY
)

DATABASE_UP = Gauge("acerto_database_up", "1 if the database answered this scrape.", registry=REGISTRY)
INBOX_OPEN = Gauge("acerto_inbox_open", "Things that happened and wait for their turn.", ["kind"], registry=REGISTRY)
INBOX_PARKED = Gauge("acerto_inbox_parked", "Things that wait for an operator.", ["source"], registry=REGISTRY)
OUTBOX = Gauge("acerto_outbox", "Messages and charges on their way.", ["state"], registry=REGISTRY)
TICKETS = Gauge("acerto_tickets", "Conversations that wait for, or are with, a person.", ["state"], registry=REGISTRY)
