"""Secrets out of a text before anything keeps it: keys, tokens, passwords, PINs, cards, bank details.

Every rule stands behind a gate, words without one of which it can't match, so ordinary text costs a few substring
searches. No rule backtracks over more than a fixed window: time is linear in the text's length.
"""

import re
from re import Match

from stdnum import iban, luhn

from memory.extraction.secrets import MARK, RULES


def redact(text: str) -> str:
    """`text` with each secret replaced by a mark that names its kind, e.g. `[redacted: card number]`.

    Idempotent: it repeats until nothing changes, and every change leaves less text outside of marks.
    """
    while (after := _once(text)) != text:
        text = after
    return text


def _once(text: str) -> str:
    lower = text.lower()
    for rule in RULES:
        if any(gate in lower for gate in rule.gates):
            text = rule.apply(text)
    if _LONG_NUMBER.search(text):
        text = _CARD.sub(_hide_card, text)
        text = _IBAN.sub(_hide_iban, text)
    return text


_LONG_NUMBER = re.compile(r"\d[\d .\u00a0-]{8,}")
_GAP = r"[ .\u00a0\u2009\u2010-\u2013-]{1,2}"
_CARD = re.compile(
    rf"(?<![\w.+])(?<!\d-)(?:\d{{13,19}}|\d{{4}}(?P<four>{_GAP})\d{{4}}(?P=four)\d{{4}}(?P=four)\d{{1,7}}"
    rf"|\d{{4}}(?P<amex>{_GAP})\d{{6}}(?P=amex)\d{{4,5}})(?![\w])(?!-\d)"
)
_ISSUER = re.compile(r"4|5[0-8]|6(?:011|2|3|4[4-9]|5|7)|2(?:2[2-9]|[3-6]|7[01]|720)|3[4-9]")
"""First digits of Visa, Mastercard, Maestro, Discover, UnionPay, Mir's neighbours, Amex, Diners and JCB."""
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]{1,4}){3,8}")


def _hide_card(match: Match[str]) -> str:
    digits = re.sub(r"\D", "", match[0])
    if _ISSUER.match(digits) and len(set(digits)) > 1 and luhn.is_valid(digits):
        return f"{MARK} card number]"
    return match[0]


def _hide_iban(match: Match[str]) -> str:
    # Words may follow: the IBAN is the longest beginning, cut at a separator, that is one.
    text = match[0]
    for end in (len(text), *(cut.start() for cut in reversed([*re.finditer(r"[ -]", text)]))):
        if iban.is_valid(text[:end], check_country=False):
            return f"{MARK} bank details]{text[end:]}"
    return text
