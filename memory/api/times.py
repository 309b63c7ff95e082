"""Times on the wire: ISO 8601."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from memory.errors import Invalid

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=1024)  # most memories have one time three times
def iso(ms: int) -> str:
    """e.g. `2026-01-19T10:00:00Z`; with milliseconds only where there are any."""
    moment = _EPOCH + timedelta(milliseconds=ms)
    return f"{moment.replace(tzinfo=None).isoformat(timespec='milliseconds' if ms % 1000 else 'seconds')}Z"


def millis(text: str, field: str) -> int:
    """Unix milliseconds of an ISO 8601 time; one without an offset is UTC. Raises Invalid, naming `field`."""
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid(f"{field}: must be an ISO 8601 time between the years 1 and 9999", field=field) from None
    return (moment - _EPOCH) // timedelta(milliseconds=1)
