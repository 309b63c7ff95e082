"""Server-sent events as bytes: cut where one ends, and read without being changed."""

from collections.abc import Iterator

MAX_EVENT = 32 * 1024 * 1024
"""Bytes of one event; a stream that brings more without an end of it is none."""

_ENDS = (b"\n\n", b"\n\r\n", b"\r\r")
_LONGEST_END = 3


class EventSplitter:
    """Makes whole events out of what comes in."""

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._size = 0
        self._tail = b""

    def feed(self, chunk: bytes) -> bytes:
        """All whole events there are now, as they came; "" if none has ended. Raises OverflowError past MAX_EVENT."""
        # An end may lie across chunks; what is held has none, so only its last bytes are searched again.
        end = _last_end(self._tail + chunk) - len(self._tail)
        if end <= 0:
            self._hold(chunk)
            return b""
        whole = b"".join((*self._held, chunk[:end])) if self._held else chunk[:end]
        self._held, self._size, self._tail = [], 0, b""
        if end < len(chunk):
            self._hold(chunk[end:])
        return whole

    @property
    def rest(self) -> bytes:
        """What came in after the last whole event."""
        return b"".join(self._held)

    def _hold(self, chunk: bytes) -> None:
        self._held.append(chunk)
        self._size += len(chunk)
        self._tail = (self._tail + chunk)[1 - _LONGEST_END :]
        if self._size > MAX_EVENT:
            raise OverflowError


def read_data(events: bytes) -> Iterator[bytes]:
    """The data of each of these whole events that has some."""
    data: list[bytes] = []
    for line in events.splitlines():
        if line.startswith(b"data:"):
            data.append(line[6:] if line[5:6] == b" " else line[5:])
        elif not line and data:
            yield data[0] if len(data) == 1 else b"\n".join(data)
            data.clear()
    if data:
        yield b"\n".join(data)


def _last_end(data: bytes) -> int:
    """Just after the last end of an event; 0 if there is none."""
    return max(place + len(end) if (place := data.rfind(end)) >= 0 else 0 for end in _ENDS)
