"""The query out of a conversation."""

import re
from collections.abc import Iterator
from typing import Any

from memory.markers import strip_blocks

MAX_QUERY = 1_000
"""Characters; of a longer message its beginning and its end are taken, where the question mostly stands."""

_SHORT_WORDS = 4
_MAX_CARRIED = 400
_MOST_CARRIED = 2
# Words that are an article, or another word in another of these languages ("es", "y", "la"), count in their phrases. Of
# text in lower case: to ignore the case costs [M] four times as much.
_POINTING = re.compile(
    r"""(?:\b|(?=¿))(?:it|its|that|this|these|those|they|them|their|he|him|his|she|her|hers|there|then|one|ones|same|else|again
    | the\sother | what\sabout | how\sabout | and\s(?:the|my|his|her|their)
    | dies(?:e[rsmn]?)? | jene[rsmn]? | dort(?:hin)? | da(?:mit|von|zu|für|ran|rin|bei|hin|rüber|nach|s(?=\s*[?.!]))?
    | derselbe | dieselbe | dasselbe | nochmal | er | sie | ihn | ihm | ihr | ihnen | deren | dessen
    | und\s(?:der|die|das)
    | (?:ist|war|hat|wird|kann|kostet|macht|heißt|liegt|gibt|geht|mag)\s(?:es|das)
    | ça | cela | ceci | celui | celle | ceux | celles | là | ils? | elles? | lui | leur | encore | et\s(?:le|la|les)
    | (?:[jtslnd]['\u2019]|vas-|allons-|allez-)y
    | es[oa]s? | ese | esto | estos | este | aquello | aquel | aquella | allí | allá | ahí | él | ella | ellos | ellas
    | l[oa]\smism[oa] | otra\svez| ¿y\s(?:el|la|los|las)
    )\b""",
    re.VERBOSE,
)


def query_of(messages: object) -> str:
    """What to search for: the text of the newest user message, after that of the one before it (or the two) where it
    is too short, or points to what was said ("it", "there", "dort"), to be found by itself.

    `messages` is a request's decoded JSON, whatever it holds: what is no text is passed over, and "" is the answer
    where no user spoke.
    """
    spoken = _newest_first(messages)
    said = next(spoken, "")
    query, carried = _capped(said, MAX_QUERY), ""
    for _ in range(_MOST_CARRIED):
        if not (_leans(said) and (said := next(spoken, ""))):
            break
        carried = f"{_capped(said, _MAX_CARRIED)}\n{carried}"
    return f"{carried}{query}"[-MAX_QUERY:]


def _leans(text: str) -> bool:
    """Whether it takes what was said before to know what `text` is about."""
    return len(text.split()) <= _SHORT_WORDS or (
        len(text) < _MAX_CARRIED and _POINTING.search(text.lower()) is not None
    )


def _newest_first(messages: object) -> Iterator[str]:
    for message in reversed(messages) if isinstance(messages, list) else ():
        if isinstance(message, dict) and message.get("role") == "user" and (text := _text(message.get("content"))):
            yield text


def _text(content: Any) -> str:
    """The text of a message's content: the string itself, or its text parts; images and sounds have none, and a block
    of memory that a client sends back is none of the user's."""
    if isinstance(content, str):
        return strip_blocks(content).strip()
    if not isinstance(content, list):
        return ""
    texts = [
        part.get("text") for part in content if isinstance(part, dict) and part.get("type") in ("text", "input_text")
    ]
    return strip_blocks("\n".join(text for text in texts if isinstance(text, str))).strip()


def _capped(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    head = limit // 2
    return f"{text[:head]}\n{text[head + 1 - limit :]}"
