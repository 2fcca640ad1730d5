"""What an address asks for, read kindly: a number, a day, or nothing where it is neither."""

from datetime import date, datetime, time, timedelta

from bot.parts import Parts

_ID_DIGITS = 18


def number_of(text: str | None) -> int | None:
    """Return a whole number that one of ours may have."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) <= _ID_DIGITS else None


def day_of(text: str) -> date | None:
    """Return an ISO day."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def instants_of(parts: Parts, day: date) -> tuple[datetime, datetime]:
    """Return when a day begins and ends where the creditor is."""
    zone = parts.settings.timezone
    following = day + timedelta(days=1) if day < date.max else day
    return datetime.combine(day, time(), zone), datetime.combine(following, time(), zone)
