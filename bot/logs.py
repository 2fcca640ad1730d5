"""Logs: one JSON line per fact on stderr, event name and values, no sentence and no person."""

import logging
import sys

import structlog


def set_up_logs(*, level: int = logging.INFO, for_good: bool = False) -> None:
    """Send structured logs to stderr from `level` on.

    `for_good`: this process sets them up once, and what is known once need not be looked up again.
    """
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=for_good,
    )
