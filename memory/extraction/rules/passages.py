"""Which lines of a message are the user's own words: not code, logs, quotes, transcripts or letters."""

import re
from collections.abc import Iterator

from memory.extraction.words import words

_APOSTROPHES = str.maketrans("\u2018\u2019", "''")
_FENCE = re.compile(r"\s*(```|~~~)")
# A line that begins with a bracket may also be labelled with its speaker, as those of group chats are.
_MACHINE = re.compile(
    r"""\s*(?:
        \[?\d{4}-\d\d-\d\d[T\ ]\d\d:\d\d | \[?\d\d:\d\d(?::\d\d)?\b | \[?(?:INFO|WARN(?:ING)?|ERROR|DEBUG|FATAL)\b
        | at\ [\w.$<>]+\( | Traceback\b | File\ " | [\w.]*(?:Error|Exception)\b: | [$\#%]\ | [\w.-]+@[\w.-]+:\S*[$\#]
        | diff\ --git | /[*/] | <!--
        | @@\ | [+-]{3}\ | [<{}\[\]|(] | (?:def|class|import|from|return|const|let|var|function|public
        |private|SELECT|INSERT|UPDATE|DELETE)\ .*[;:(){}=*] | .*[;{}]\s*$ | .*(?:=>|->|==|!=|&&|\|\|) | \w+\(.*\)$
    )""",
    re.VERBOSE,
)
_QUOTED_LINE = re.compile(r"\s*(?:>|\|)")
_LETTER = re.compile(r"\s*(?:Dear\b.{1,60},|(?:From|To|Subject|Date|Sent):\s)\s*", re.IGNORECASE)
_SPEAKER = re.compile(r"\s*(?:[-*]\s+)?\[?([A-Z][\w.'-]*(?: [A-Z0-9][\w.'-]*){0,2})\]?(?: \([^)\n]{1,30}\))?:\s+\S")
_LABELS = words(
    "note fyi ps p.s. update correction background context"
    " also important reminder intro me btw remember edit preferences"
)
_QUOTE = re.compile(r"\"[^\"\n]{0,1000}\"|“[^”\n]{0,1000}”|«[^»\n]{0,1000}»|„[^“”\n]{0,1000}[“”]|`[^`\n]{0,500}`")
_LEADING_QUOTE = re.compile(r"\s*[\"“«„]")
_BULLET = re.compile(r"\A\s*(?:[-*•\u2013]|\d{1,2}[.)])\s+")

QUOTED = "\u2e3a"
"""Stands where a longer quotation was."""


def passages(text: str) -> Iterator[str]:
    """The user's own lines in order, without list marks, long quotations replaced by QUOTED."""
    fenced = False
    for line in map(str.strip, text.translate(_APOSTROPHES).splitlines()):
        if _FENCE.match(line):
            fenced = not fenced
        elif _LETTER.match(line) and not fenced:
            return  # the rest is a letter
        elif not (fenced or _foreign(line)):
            own = _QUOTE.sub(_short_quotes_only, _BULLET.sub("", line, count=1))
            if own.strip():
                yield own.strip()


def _foreign(line: str) -> bool:
    if _MACHINE.match(line) or _QUOTED_LINE.match(line) or _LEADING_QUOTE.match(line):
        return True
    speaker = _SPEAKER.match(line)
    return speaker is not None and speaker[1].lower() not in _LABELS


def _short_quotes_only(match: re.Match[str]) -> str:
    # A name may stand in quotation marks; a sentence in them is someone's words.
    return match[0][1:-1] if len(match[0].split()) <= 3 and match[0][0] != "`" else QUOTED
