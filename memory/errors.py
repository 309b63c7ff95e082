"""What can go wrong, told apart by what the caller can do about it. No HTTP here: `memory.api.errors` maps it.

RemoraError
├── Invalid            the input breaks a rule: mend it
├── Unauthenticated    no key, or not one of ours
├── Forbidden          a valid key that may not do this
├── NotFound           no such thing, or not visible to the caller
├── Conflict           it exists already, or changed meanwhile
├── TooLarge           over a size limit
├── QuotaExceeded      a tenant's or a namespace's own limit is reached
├── RateLimited        too many requests: wait
├── Unavailable        a part Remora depends on does not answer: try again
│   ├── StoreUnavailable
│   │   └── StoreTooSlow   it may yet answer, after the deadline
│   ├── EmbedderUnavailable
│   └── Overloaded     more is under way than this server takes
└── Misconfigured      the operator has to act; the message says how
    └── StoreInUse     another process has the database
"""

from collections.abc import Mapping
from typing import Any


class RemoraError(Exception):
    """`message` is for people, `details` for programs; neither holds a secret or a memory's text."""

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details: Mapping[str, Any] = details


class Invalid(RemoraError):
    """The input breaks a rule; `details["field"]` names the field where one is to blame."""


class Unauthenticated(RemoraError):
    """No key was given, or not one of ours."""


class Forbidden(RemoraError):
    """The key is valid and may not do this."""


class NotFound(RemoraError):
    """There is no such thing, or the caller may not see it: the two read alike on purpose."""


class Conflict(RemoraError):
    """It exists already, or it changed between reading and writing."""


class TooLarge(RemoraError):
    """The input is over a size limit, which `details["limit"]` gives."""


class QuotaExceeded(RemoraError):
    """A limit of the tenant's plan or of the namespace is reached."""


class RateLimited(RemoraError):
    """Too many requests within a window of time."""

    def __init__(self, message: str, *, limit: int, reset_at: int, **details: Any) -> None:
        """`reset_at`: when the window ends, in Unix milliseconds."""
        super().__init__(message, limit=limit, **details)
        self.limit = limit
        self.reset_at = reset_at


class Unavailable(RemoraError):
    """Something Remora depends on does not answer; trying again later may help."""


class StoreUnavailable(Unavailable):
    """The engine is down, unreachable or too slow."""


class StoreTooSlow(StoreUnavailable):
    """The engine did not answer within the deadline it was given."""


class EmbedderUnavailable(Unavailable):
    """The embedding endpoint is down, unreachable or too slow."""


class ExtractionFailed(Unavailable):
    """The model that extracts did not answer, or not in the form it was asked for."""


class Overloaded(Unavailable):
    """More requests are under way, or more of their bytes, than this server takes."""


class Misconfigured(RemoraError):
    """Only the operator can mend this; the message says how."""


class StoreInUse(Misconfigured):
    """Another process has the embedded engine's database, which serves one at a time."""
