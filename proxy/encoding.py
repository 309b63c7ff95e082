"""Undoing the content encoding of an answer as it comes in."""

import zlib
from collections.abc import Iterator

ENCODINGS = frozenset((b"gzip", b"x-gzip", b"deflate"))
"""Those that can be undone."""

_LARGEST_PIECE = 1 << 20
"""Bytes: a little may decode to very much, and not all of that is held at once."""

_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_BARE = -zlib.MAX_WBITS
_DEFLATE = 8


class Inflation:
    """Of one answer in one of ENCODINGS. What is called deflate comes with zlib's frame, as it should, or without."""

    def __init__(self) -> None:
        self._zlib: zlib._Decompress | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What the next part decodes to. Raises zlib.error."""
        full = False
        while data or full:
            if self._zlib is None or self._zlib.eof:  # gzip's members may follow one another
                framed = data[:1] == b"\x1f" or data[0] & 15 == _DEFLATE
                self._zlib = zlib.decompressobj(_GZIP_OR_ZLIB if framed else _BARE)
            if piece := self._zlib.decompress(data, _LARGEST_PIECE):
                yield piece
            full = len(piece) == _LARGEST_PIECE and not self._zlib.eof  # it may hold more, with all of `data` taken in
            data = self._zlib.unconsumed_tail or self._zlib.unused_data

    def end(self) -> None:
        """Raises zlib.error where there should be more."""
        if self._zlib is not None and not self._zlib.eof:
            raise zlib.error("the end is missing")
