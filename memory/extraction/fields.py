"""What is plainly written in a text: e-mail addresses, phone numbers, URLs. Runs on every insert."""

import re

import phonenumbers
from phonenumbers import Leniency, PhoneNumberFormat, PhoneNumberMatcher

_REGION = "US"
"""How a number without a country code is read."""

_CANDIDATES = 32
"""How many runs of digits are tried: a table of numbers must not hold up the server."""

_EMAIL = re.compile(
    r"(?<![\w.+-])[A-Za-z0-9][\w.%+-]{0,63}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})\.){1,8}[A-Za-z]{2,24}(?![\w-])"
)
_URL = re.compile(r"(?<![\w@])(?:https?://|www\.)[^\s<>\"'`{}|\\^]{3,2000}", re.IGNORECASE)
_NUMBER = re.compile(r"(?:\+|\(|\b)\d[\d\s().\u00a0/-]{6,}\d")
_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|\d{8}|\d{1,3}(?:\.\d{1,3}){3}")


def extract_fields(text: str) -> dict[str, list[str]]:
    """`emails` (host in lower case), `phones` (E.164, valid numbers only) and `urls` (with scheme), each without
    duplicates in the order of the text; a kind that does not occur has no entry."""
    found = {
        "emails": _emails(text) if "@" in text else [],
        "phones": _phones(text) if _NUMBER.search(text) else [],
        "urls": _urls(text) if "://" in text or "www." in text.lower() else [],
    }
    return {kind: list(dict.fromkeys(values)) for kind, values in found.items() if values}


def _emails(text: str) -> list[str]:
    pairs = (match[0].rpartition("@") for match in _EMAIL.finditer(text))
    return [f"{name}@{host.lower()}" for name, _, host in pairs if ".." not in name and not name.endswith(".")]


def _phones(text: str) -> list[str]:
    matches = PhoneNumberMatcher(text, _REGION, leniency=Leniency.VALID, max_tries=_CANDIDATES)
    return [
        phonenumbers.format_number(match.number, PhoneNumberFormat.E164)
        for match in matches
        if not _DATE.fullmatch(match.raw_string)
    ]


def _urls(text: str) -> list[str]:
    return [_trimmed(match[0]) for match in _URL.finditer(text)]


def _trimmed(url: str) -> str:
    """Without the punctuation of the sentence around it; a closing bracket stays where the URL opened one."""
    while url[-1] in ".,;:!?*_" or (
        url[-1] in ")]" and url.count(")") + url.count("]") > url.count("(") + url.count("[")
    ):
        url = url[:-1]
    return url if "://" in url[:8] else f"https://{url}"
