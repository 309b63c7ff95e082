"""Where services take the time from."""

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Now, in Unix milliseconds UTC."""


def system_clock() -> int:
    return time.time_ns() // 1_000_000
