"""Token counters for tests: the bundled one, and OpenAI's with their real patterns over small vocabularies of our own,
since the real tables come from the network."""

from functools import cache
from itertools import product

import pytest
import tiktoken
import tiktoken_ext.openai_public as openai  # type: ignore[import-untyped]

from context.tokens import BUNDLED_ENCODING, BundledEncoding, Encoding, TiktokenEncoding, TokenCounter

OPENAI = ("o200k_base", "cl100k_base")


@cache
def toy_tiktoken(name: str) -> tiktoken.Encoding:
    """`name`'s own way of cutting texts, and a vocabulary in which what could merge across a cut does merge."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(openai, "load_tiktoken_bpe", lambda *_args, **_options: _toy_ranks())
        return tiktoken.Encoding(**openai.ENCODING_CONSTRUCTORS[name]())


@cache
def bundled() -> TokenCounter:
    return TokenCounter(BundledEncoding(), name=BUNDLED_ENCODING, exact=False)


def counters() -> list[tuple[Encoding, TokenCounter]]:
    """Every kind of encoding, with a counter of its own."""
    plain: list[Encoding] = [BundledEncoding(), *(TiktokenEncoding(toy_tiktoken(name)) for name in OPENAI)]
    return [(encoding, TokenCounter(encoding, name="test", exact=True)) for encoding in plain]


def _toy_ranks() -> dict[bytes, int]:
    ranks = {bytes([byte]): byte for byte in range(256)}
    joints = [b"\n", b"\r", b" ", b"-", b"#", b"<", b".", b"/", b"a", b"1", "é".encode()[:1], "日".encode()[:1]]
    for left, right in product(joints, joints):
        ranks.setdefault(left + right, len(ranks))
    for token in (b"\n\n\n", b"\n\n#", b".\n\n", b"a a", "日".encode(), b"aaaa", b"    ", "é".encode()):
        for length in range(2, len(token) + 1):
            ranks.setdefault(token[:length], len(ranks))
    return ranks
