"""What a secret looks like in a text: the table `memory.extraction.redact` applies."""

import re
from collections.abc import Callable
from re import Match, Pattern

from msgspec import Struct

from memory.extraction.words import words

MARK = "[redacted:"
"""How every mark begins: a text that contains it had a secret in it."""


class Rule(Struct, frozen=True):
    kind: str
    gates: tuple[str, ...]
    """Lower-case; the pattern is tried if one of them is in the text."""
    pattern: Pattern[str]
    """Its group `secret`, else all it matches, is what goes."""
    plausible: Callable[[str], bool] = bool

    def apply(self, text: str) -> str:
        return self.pattern.sub(self._hide, text)

    def _hide(self, match: Match[str]) -> str:
        secret = match["secret"].rstrip(".,:;)")
        if MARK in match[0] or not self.plausible(secret):
            return match[0]
        start = match.start("secret") - match.start()
        return f"{match[0][:start]}{MARK} {self.kind}]{match[0][start + len(secret) :]}"


# ---------------------------------------------------------------------------------------------- what may be a secret


def _mixed(value: str) -> bool:
    """Letters and digits both, as in no word and no number."""
    return any(char.isdigit() for char in value) and any(char.isalpha() for char in value)


def _token(value: str) -> bool:
    return not _code(value) and ((len(value) >= 8 and _mixed(value)) or (len(value) >= 20 and value.isascii()))


def _password(value: str) -> bool:
    word = value.casefold()
    if not word or _code(word) or word in _NO_PASSWORD or (word.isdigit() and len(word) < 4):
        return False
    return not (value.islower() and value.isalpha() and word.endswith(("ed", "ing", "able", "ible")))


def _code(value: str) -> bool:
    """A call, a variable or a placeholder: names a secret, is none."""
    return _EXPRESSION.match(value) is not None


_EXPRESSION = re.compile(
    r"[\w.]+[(\[]|[$%]?\{|\$\w|<|\*+$|[•x.…_-]{2,}$|(?:os|process|env|self|config|settings)\.", re.IGNORECASE
)

# What follows "password is" or "password:" when it is talked about and not told.
_NO_PASSWORD = words(
    """a an the my your our their his her its this that these those it i we you he she they not no none null nil true
    false yes undefined empty blank str string text bool int optional any secret password passwd pwd passwort hidden
    incorrect correct wrong invalid valid weak strong short long too very so also only just always never still now
    must should shall can cannot can't could will won't would may might has have had does do did be been is are was
    at in on of to for from with without by as if when where what which who how why and or but than then here there
    case sensitive safe secure unsafe insecure unique different same similar easy hard good bad fine okay ok ready
    8 10 12 16 characters digits letters minimum maximum least most more less up about something somewhere
    gone lost stolen known unknown old new out reset kaputt falsch nicht kein sehr zu zu incorrecta incorrecto
    incorrect! wrong! errada errado pas trop no muy muito não"""
)

# ------------------------------------------------------------------------------------------------------------- rules

_VALUE = r"""(?P<quote>["'`“])?(?P<secret>(?(quote)[^"'`”\n]{1,200}|[^\s"'`,;]{1,200}))"""
_ASSIGNED = _VALUE.replace(",;]", ",;&|]")
"""Ends also where the next parameter of a URL or a connection string begins."""
_PASSWORDS = (
    r"passwords?|passwd|pwd|passphrase|passcode|pass[ -]?word|passwort|kennwort|mot de passe|contrase(?:ñ|n)a|senha"
    r"|palavra-passe"
)
_PASSWORD_GATES = ("pass", "pw", "kennwort", "contrase", "senha", "mot de")
_IS = r"(?:is|was|are|ist|lautet|war|est|es|é|era)"
_SET = r"(?:\s(?:now|still|just|currently|set\sto|changed\sto|jetzt|ahora|agora|maintenant))?"


def _told(what: str, value: str) -> Pattern[str]:
    """`what` and then its value: "PIN 1234", "the PIN for my card is 1234", "PIN: 1234"."""
    link = rf"(?:[^\n.:=\[\]?!\d]{{0,40}}?\s{_IS}\s{{1,2}}:?\s?|\s{{0,2}}[:=#]\s{{0,2}}|\s{{1,2}})"
    return re.compile(rf"\b(?:{what})\b{link}(?P<secret>{value})", re.IGNORECASE)


def _pattern(pattern: str, *, ignore_case: bool = True) -> Pattern[str]:
    return re.compile(pattern, (re.IGNORECASE if ignore_case else 0) | re.DOTALL)


def _spelled(*names: str) -> tuple[str, ...]:
    return tuple(name.replace(" ", joint) for name in names for joint in (" ", "_", "-", ""))


RULES = (
    Rule(
        "private key",
        ("private key-", "private key block-"),
        _pattern(
            r"(?P<secret>-----BEGIN [A-Z0-9 ]{0,24}PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]{0,32}-----|\Z))"
        ),
    ),
    Rule(
        "token",
        ("eyj",),
        _pattern(
            r"(?<![\w-])(?P<secret>eyJ[\w-]{8,}+\.[\w-]{8,}+(?:\.[\w-]*+){0,4})",
            ignore_case=False,
        ),
    ),
    Rule(
        "API key",
        ("sk-", "sk_", "rk_", "pk_live"),
        _pattern(
            r"(?<![A-Za-z0-9])(?P<secret>sk-(?=[\w-]*?\d)[\w-]{16,}+|[srp]k_(?:live|test|prod)_\w{10,}+)",
            ignore_case=False,
        ),
    ),
    Rule(
        "API key",
        (
            "ghp_",
            "gho_",
            "ghu_",
            "ghs_",
            "ghr_",
            "github_pat_",
            "glpat-",
            "gldt-",
            "npm_",
            "pypi-",
            "hf_",
            "gsk_",
            "r8_",
        ),
        _pattern(
            r"(?<![A-Za-z0-9])(?P<secret>gh[pousr]_\w{20,}+|github_pat_\w{20,}+|gl(?:pat|dt)-[\w-]{16,}+|npm_\w{30,}+"
            r"|pypi-[\w-]{32,}+|hf_\w{24,}+|gsk_\w{24,}+|r8_\w{24,}+)",
            ignore_case=False,
        ),
    ),
    Rule(
        "API key",
        (
            "xoxa-",
            "xoxb-",
            "xoxe",
            "xoxp-",
            "xoxr-",
            "xoxs-",
            "xapp-",
            "aiza",
            "ya29.",
            "whsec_",
            "sg.",
            "dapi",
            "dop_v1_",
        ),
        _pattern(
            r"(?<![A-Za-z0-9])(?P<secret>xox[abeprs][.-][\w-]{10,}+|xapp-[\w-]{10,}+|AIza[\w-]{30,}+|ya29\.[\w-]{20,}+"
            r"|whsec_[\w+/=]{16,}+|SG\.[\w-]{16,}+\.[\w-]{16,}+|dapi[0-9a-f]{32}+|dop_v1_[0-9a-f]{32,}+)",
            ignore_case=False,
        ),
    ),
    Rule(
        "API key",
        ("akia", "asia", "pplx-", "xai-", "nvapi-", "shpat_", "lin_api_", "tskey-", "figd_", "atatt3", "sntry"),
        _pattern(
            r"(?<![A-Za-z0-9])(?P<secret>A(?:KI|SI)A[A-Z0-9]{16}(?![A-Za-z0-9])|pplx-\w{32,}+|xai-\w{32,}+"
            r"|nvapi-[\w-]{32,}+"
            r"|shpat_\w{24,}+|lin_api_\w{24,}+|tskey-[\w-]{16,}+|figd_[\w-]{24,}+|ATATT3[\w=-]{24,}+"
            r"|sntry[su]_[\w+/=]{24,}+)",
            ignore_case=False,
        ),
    ),
    Rule(
        "token",
        ("bearer", "authorization"),
        _pattern(
            r"\b(?:(?:proxy-)?authorization[\"']?\s{0,2}[:=]\s{0,2}[\"']?(?:[a-z]{3,12}\s{1,2})?|bearer\s{1,2})"
            r"(?P<secret>[\w.~+/=-]{8,1000})"
        ),
        _token,
    ),
    Rule(
        "password",
        ("://",),
        _pattern(r"://[^\s/:@]{0,128}:(?!\d{1,5}(?:[/?#\s]|$))(?P<secret>[^\s/]{1,256}(?=@)|[^\s@]{1,256}(?=@))"),
    ),
    Rule("token", ("://",), _pattern(r"://(?P<secret>[\w-]{16,256})@"), _token),
    Rule(
        "password",
        ("-u ", "--user "),
        _pattern(r"(?<!\S)(?:-u|--user)\s[\"']?[^\s:\"']{1,128}:(?P<secret>[^\s\"']{1,256})"),
    ),
    Rule(
        "recovery phrase",
        ("phrase", "mnemonic"),
        _pattern(
            r"\b(?:(?:seed|recovery|secret|backup|mnemonic)[ -]phrase|passphrase|mnemonic)\b[^\n.:=\[\]?!]{0,40}?"
            rf"(?:\s{_IS}|\s?[:=])\s{{1,3}}(?P<secret>[^\n\[\]]{{8,400}})"
        ),
        lambda phrase: phrase.split()[0].casefold() not in _NO_PASSWORD,
    ),
    Rule(
        "password",
        _PASSWORD_GATES,
        _pattern(
            rf"(?:{_PASSWORDS}|(?<![a-z])(?:pass|pw(?![a-z])))[\w-]{{0,24}}[\"'`\])]{{0,2}}\s{{0,3}}(?:[:=\uff1a]|=>"
            rf"|:=)\s{{0,3}}{_ASSIGNED}"
        ),
        _password,
    ),
    Rule(
        "password",
        _PASSWORD_GATES,
        _pattern(rf"\b(?:{_PASSWORDS}|pw)\b[^\n.:=\[\]?!]{{0,48}}?\s{_IS}{_SET}\s{{0,2}}:?\s{{1,2}}{_VALUE}"),
        _password,
    ),
    Rule(
        "password",
        _PASSWORD_GATES,
        _pattern(
            rf"\b(?:set|change[ds]?|reset|update[ds]?)\b[^\n.:=\[\]?!]{{0,24}}?\b"
            rf"(?:{_PASSWORDS})\b[^\n.:=\[\]?!]{{0,24}}?\sto\s{_VALUE}"
        ),
        _password,
    ),
    Rule(
        "password",
        _PASSWORD_GATES,
        _pattern(rf"(?:\b|--)(?:{_PASSWORDS})(?:['\u2019]s|,)?\s{{1,2}}{_VALUE}"),
        lambda value: len(value) >= 6 and _mixed(value) and _password(value),
    ),
    Rule(
        "password",
        _PASSWORD_GATES,
        _pattern(
            rf"(?<!\S)[\"'`“]?(?P<secret>[^\s\"'`”\[\]]{{4,200}})[\"'`”]?\s(?:is|was)\s(?:my|our"
            rf"|the)\s[^\n.:=\[\]?!]{{0,24}}?\b(?:{_PASSWORDS})\b"
        ),
        lambda value: _password(value) and not value.istitle(),
    ),
    Rule(
        "secret",
        (
            "secret",
            "token",
            "credential",
            "signature",
            *_spelled("api key", "access key", "account key", "private key"),
        ),
        _pattern(
            r"(?:secret|token|api[_ -]?key|access[_ -]?key|account[_ -]?key|private[_ -]?key|credentials?|signature)"
            rf"[\w-]{{0,24}}[\"'`\])]{{0,2}}(?:\s{{0,3}}(?:[:=\uff1a]|=>|:=)\s{{0,3}}|\s{_IS}\s{{1,2}}:?\s?){_ASSIGNED}"
        ),
        _token,
    ),
    Rule("PIN", ("pin",), _told(r"pins?|pin[ -]?(?:code|number|nummer)", r"\d{4,8}(?![\w-])")),
    Rule(
        "security code",
        ("cvv", "cvc", "csc", "verification", "sicherheitscode", "security code"),
        _told(
            r"cvv2?|cvc2?|csc|card verification (?:value|code|number)|(?:card )?security code|sicherheitscode",
            r"\d{3,4}(?![\w-])",
        ),
    ),
    Rule(
        "code",
        ("code", "otp"),
        _told(
            r"otp|(?:verification|one[ -]time|security|2fa|access|door|alarm|gate|unlock|entry|backup)[ -]code",
            r"#?(?=[a-z]{0,9}\d)[a-z0-9]{4,10}(?![\w-])",
        ),
    ),
    Rule(
        "social security number",
        ("ssn", "social security", "social insurance"),
        _told(r"ssn|social (?:security|insurance)(?: (?:number|no\.?|#))?", r"\d{3}[ -]?\d{2}[ -]?\d{4}(?!\d)"),
    ),
    Rule(
        "bank details",
        ("account", "konto", "sort code", "routing", "iban"),
        _told(
            r"(?:bank )?(?:account|acct\.?|routing) (?:number|no\.?|#)|kontonummer|sort code|iban",
            r"(?=[^\n]{0,4}\d)[a-z]{0,2}\d[\da-z]{0,3}(?:[ -]?\d[\da-z]{0,3}){1,8}(?![\w-])",
        ),
        lambda number: sum(char.isdigit() for char in number) >= 6,
    ),
)
