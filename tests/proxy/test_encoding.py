import gzip
import zlib

import pytest

from proxy.encoding import Inflation

TEXT = b"what was said " * 200_000


def bare(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


def inflated(data: bytes, size: int) -> bytes:
    inflation = Inflation()
    pieces = [piece for start in range(0, len(data), size) for piece in inflation.feed(data[start : start + size])]
    inflation.end()
    return b"".join(pieces)


@pytest.mark.parametrize("size", [1, 100, 1_000_000])
@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress, bare])
def test_what_was_compressed_comes_back(compress: object, size: int) -> None:
    assert callable(compress)
    assert inflated(compress(TEXT), size) == TEXT


@pytest.mark.parametrize("size", range((1 << 20) - 258, (1 << 20) + 258, 16))
def test_what_zlib_holds_back_of_a_full_piece_comes_too(size: int) -> None:
    assert inflated(bare(bytes(size)), 1_000_000) == bytes(size)


@pytest.mark.parametrize("size", [7, 1_000_000])
def test_one_gzip_may_follow_another(size: int) -> None:
    assert inflated(gzip.compress(b"one ") + gzip.compress(b"two"), size) == b"one two"


def test_a_little_that_holds_very_much_comes_in_pieces() -> None:
    pieces = list(Inflation().feed(gzip.compress(bytes(50_000_000))))
    assert sum(map(len, pieces)) == 50_000_000
    assert max(map(len, pieces)) <= 1 << 20


@pytest.mark.parametrize("end", [-4, 20])
def test_a_missing_end_is_told(end: int) -> None:
    with pytest.raises(zlib.error):
        inflated(gzip.compress(TEXT)[:end], 1000)


def test_what_is_not_compressed_is_told() -> None:
    with pytest.raises(zlib.error):
        inflated(b"\x1f not at all", 1000)
