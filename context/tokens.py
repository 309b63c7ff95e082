"""Token counting: exact in the model's own encoding where its tables can be loaded, else in the bundled one.

Every count here is a sum over pieces, so that the count of a block is the sum of the counts of its lines. In both
kinds of encoding a line break followed by a character that is neither white space nor "/" ends a token:

- OpenAI's `o200k_base` and `cl100k_base` first cut a text by a regular expression, and no token crosses a cut. Line
  breaks are matched by `\\s*[\\r\\n]+` (`\\s*[\\r\\n]`), whose greedy white space takes a whole run of it, and after
  punctuation by `[\\r\\n/]*` (`[\\r\\n]*`); every one of those matches ends where the next character is none of its
  own. (The older encodings split a run of line breaks by what follows it; they are not used.)
- The bundled vocabulary (Llama 2's) has no token that contains a line break, nor one with a space after a letter.
"""

import asyncio
import logging
import re
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Protocol

import regex
import tiktoken
from tokenizers import Tokenizer, normalizers

from memory.embedding.bundled import bundled_tokenizer

log = logging.getLogger("remora.tokens")

MARK = " […]"
"""Ends a text that was cut."""

DEFAULT_ENCODING = "o200k_base"
BUNDLED_ENCODING = "llama2"
LOADED_ENCODINGS = (DEFAULT_ENCODING, "cl100k_base")

_PIECE = re.compile(r"(?<=\n)(?=[^\s/])")
_CACHED_PIECES = 16_384
_LONGEST_CACHED_PIECE = 512
_CHARACTERS_PER_TOKEN = 24


class Encoding(Protocol):
    """What a tokenizer library has to give."""

    def count(self, text: str) -> int: ...

    def reach(self, text: str, tokens: int) -> int:
        """How many whole characters of `text` its first `tokens` tokens spell; `text` has more tokens than that."""
        ...


class TokenCounter:
    """Counts in one encoding; made to be asked for the same lines again and again."""

    def __init__(self, encoding: Encoding, *, name: str, exact: bool) -> None:
        self._encoding = encoding
        self._cached = lru_cache(maxsize=_CACHED_PIECES)(encoding.count)
        self.encoding = name
        """Its name, as receipts state it."""
        self.exact = exact
        """Whether it is the model's own encoding. The bundled one counts more: about 1.2 times `o200k_base` in
        English."""

    def count(self, text: str) -> int:
        """How many tokens `text` has. `count(a + b) == count(a) + count(b)` where `a` ends with a line break and `b`
        begins with neither white space nor "/"."""
        if len(text) <= _LONGEST_CACHED_PIECE:
            return self._cached(text)
        return sum(
            self._cached(piece) if len(piece) <= _LONGEST_CACHED_PIECE else self._encoding.count(piece)
            for piece in _PIECE.split(text)
        )

    def truncate(self, text: str, limit: int) -> str:
        """`text` if it has at most `limit` tokens; else its beginning and MARK, `limit` tokens together at most.

        Cuts between words where there is a space near, never inside a character as a reader sees it. "" where not
        even one character and the mark fit.
        """
        if self.count(text) <= limit:
            return text
        room = limit - self.count(MARK)
        while room > 0:
            # A longer stretch is not looked at, so that the cost of a cut depends on the limit and not on the text.
            stretch = text[: _CHARACTERS_PER_TOKEN * room]
            reach = self._encoding.reach(stretch, room) if self._encoding.count(stretch) > room else len(stretch)
            kept = text[: _cut_before(text, reach)].rstrip()
            if not kept:
                return ""
            if (excess := self.count(kept + MARK) - limit) <= 0:
                return kept + MARK
            room -= excess
        return ""


def _cut_before(text: str, end: int) -> int:
    """The last place at or before `end` where `text` may be cut."""
    start = end
    while start > 0 and not text[start - 1].isspace():
        start -= 1
    if start > 0 and end - start <= 24 and not text[end : end + 1].isspace():
        return start
    # A space begins a grapheme, so the search for its bounds can start there.
    last = start
    for grapheme in regex.finditer(r"\X", text, pos=start):
        if grapheme.end() > end:
            break
        last = grapheme.end()
    return last


class TiktokenEncoding:
    """An OpenAI encoding; text that spells a special token is ordinary text."""

    def __init__(self, encoding: tiktoken.Encoding) -> None:
        self._encoding = encoding

    def count(self, text: str) -> int:
        return len(self._encoding.encode_ordinary(text))

    def reach(self, text: str, tokens: int) -> int:
        spelled = self._encoding.decode_bytes(self._encoding.encode_ordinary(text)[:tokens])
        return len(spelled.decode("utf-8", "ignore"))


class BundledEncoding:
    """The BPE tokenizer that the bundled embedding model brings along, without the space that it puts in front of a
    text.

    No token of it goes across from a letter to a following space, so a text's count is the sum over its words, and
    words repeat: counting from a cache of them is ten times as fast as tokenizing.
    """

    _WORD = re.compile(r"\n| *[^ \n]+| +")
    _CACHED_WORDS = 32_768
    _LONGEST_CACHED_WORD = 32

    def __init__(self) -> None:
        # Without special tokens: a text that spells one is ordinary text.
        self._tokenizer = Tokenizer(bundled_tokenizer().model)
        self._tokenizer.normalizer = normalizers.Replace(" ", "▁")
        self._cached = lru_cache(maxsize=self._CACHED_WORDS)(self._count)

    def count(self, text: str) -> int:
        return sum(
            self._cached(word) if len(word) <= self._LONGEST_CACHED_WORD else self._count(word)
            for word in self._WORD.findall(text)
        )

    def reach(self, text: str, tokens: int) -> int:
        offsets = self._tokenizer.encode(_encodable(text), add_special_tokens=False).offsets
        return int(offsets[tokens][0])

    def _count(self, text: str) -> int:
        return len(self._tokenizer.encode(_encodable(text), add_special_tokens=False).ids)


def _encodable(text: str) -> str:
    """`text` with lone surrogates replaced, one character for one."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


class TokenCounters:
    """The counter for each model. Until `load` has succeeded, and for good where it can't, that is the bundled one."""

    def __init__(self, *, open_encoding: Callable[[str], tiktoken.Encoding] = tiktoken.get_encoding) -> None:
        self._open = open_encoding
        self._exact: dict[str, TokenCounter] = {}
        self._bundled: TokenCounter | None = None

    async def load(self, *, time_limit: float = 5.0) -> None:
        """Load OpenAI's tables, from `TIKTOKEN_CACHE_DIR` or the network, for at most `time_limit` seconds; never
        raises. Says in the log which encoding is used."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()
        loaded: dict[str, TokenCounter] = {}
        failures: list[str] = []

        def work() -> None:
            try:
                for name in LOADED_ENCODINGS:
                    loaded[name] = TokenCounter(TiktokenEncoding(self._open(name)), name=name, exact=True)
            except Exception as error:  # noqa: BLE001 - whatever the network, the disk or the library may raise
                failures.append(type(error).__name__)
            if not loop.is_closed():
                loop.call_soon_threadsafe(lambda: None if ended.done() else ended.set_result(None))

        # A thread of its own, since the download has no time limit and an executor's threads are waited for at the end.
        threading.Thread(target=work, name="tiktoken", daemon=True).start()
        try:
            await asyncio.wait_for(ended, time_limit)
        except TimeoutError:
            failures.append(f"no answer within {time_limit:g} s")
        self._exact = dict(loaded)
        if failures:
            log.warning(
                "the tables of %s could not be loaded (%s): tokens are counted with the bundled encoding %s, which "
                "counts about 1.2 times as many; set TIKTOKEN_CACHE_DIR to a folder that holds the tables",
                ", ".join(name for name in LOADED_ENCODINGS if name not in loaded),
                failures[0],
                BUNDLED_ENCODING,
            )
        else:
            log.info("tokens are counted with %s", ", ".join(LOADED_ENCODINGS))

    @property
    def default(self) -> TokenCounter:
        """For where no model is known."""
        return self.for_model(None)

    def for_model(self, model: str | None) -> TokenCounter:
        """The counter for an upstream model's name, with or without its provider's (`openai/gpt-4o`); models that
        OpenAI's table does not name are counted in the default encoding."""
        return self._exact.get(_encoding_of(model)) or self._fallback()

    def _fallback(self) -> TokenCounter:
        if self._bundled is None:
            self._bundled = TokenCounter(BundledEncoding(), name=BUNDLED_ENCODING, exact=False)
        return self._bundled


@lru_cache(maxsize=1024)
def _encoding_of(model: str | None) -> str:
    if model is None:
        return DEFAULT_ENCODING
    try:
        name = tiktoken.encoding_name_for_model(model.rpartition("/")[2])
    except KeyError:
        return DEFAULT_ENCODING
    return name if name in LOADED_ENCODINGS else DEFAULT_ENCODING
