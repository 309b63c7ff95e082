import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.extraction.redact import redact
from memory.extraction.words import words

SECRETS = [
    ("my password is hunter2", "my password is [redacted: password]"),
    ("My password is hunter2.", "My password is [redacted: password]."),
    ("my password is swordfish and I live in Porto", "my password is [redacted: password] and I live in Porto"),
    ("the password for the wifi is Sunshine99", "the password for the wifi is [redacted: password]"),
    ("password: hunter2", "password: [redacted: password]"),
    ("pw: bluebird99", "pw: [redacted: password]"),
    ("my pw is bluebird99", "my pw is [redacted: password]"),
    ("my password's hunter2", "my password's [redacted: password]"),
    ("my password\u2019s hunter2.", "my password\u2019s [redacted: password]."),
    ("my password, hunter2, is weak", "my password, [redacted: password], is weak"),
    ('Password = "correct horse battery"', 'Password = "[redacted: password]"'),
    ("DB_PASSWORD=s3cr3t!x", "DB_PASSWORD=[redacted: password]"),
    ("passwd: hunter2, user: bob", "passwd: [redacted: password], user: bob"),
    ("I changed my password to Tr0ub4dor&3", "I changed my password to [redacted: password]"),
    ("hunter2 is my password", "[redacted: password] is my password"),
    ("log in as bob with password hunter22", "log in as bob with password [redacted: password]"),
    ('{"password": "hunter2", "user": "bob"}', '{"password": "[redacted: password]", "user": "bob"}'),
    ("mein Passwort ist geheim123", "mein Passwort ist [redacted: password]"),
    ("mi contraseña es gato77", "mi contraseña es [redacted: password]"),
    ("minha senha é gato77", "minha senha é [redacted: password]"),
    ("mon mot de passe est chat77", "mon mot de passe est [redacted: password]"),
    ("postgres://bob:pa55@db.example.com:5432/x", "postgres://bob:[redacted: password]@db.example.com:5432/x"),
    ("redis://:secretpw@localhost:6379/0", "redis://:[redacted: password]@localhost:6379/0"),
    ("mysql://u:pa/ss@host/x", "mysql://u:[redacted: password]@host/x"),
    ("curl -u bob:hunter2 https://x.example", "curl -u bob:[redacted: password] https://x.example"),
    ("my seed phrase is apple banana cherry dog elk fox", "my seed phrase is [redacted: recovery phrase]"),
    ("my PIN is 1234", "my PIN is [redacted: PIN]"),
    ("the pin for my card is 9921.", "the pin for my card is [redacted: PIN]."),
    ("PIN: 4821", "PIN: [redacted: PIN]"),
    ("the door code is 4471", "the door code is [redacted: code]"),
    ("the verification code is 482913", "the verification code is [redacted: code]"),
    ("4111 1111 1111 1111", "[redacted: card number]"),
    ("4111-1111-1111-1111", "[redacted: card number]"),
    ("card:4111111111111111.", "card:[redacted: card number]."),
    ("amex 378282246310005", "amex [redacted: card number]"),
    ("3782 822463 10005", "[redacted: card number]"),
    ("5555 5555 5555 4444 exp 04/27 cvv 123", "[redacted: card number] exp 04/27 cvv [redacted: security code]"),
    ("My IBAN is DE89 3704 0044 0532 0130 00 and thanks", "My IBAN is [redacted: bank details] and thanks"),
    ("pay to GB33BUKB20201555555555", "pay to [redacted: bank details]"),
    ("my account number is 12345678", "my account number is [redacted: bank details]"),
    ("sort code 12-34-56", "sort code [redacted: bank details]"),
    ("my SSN is 123-45-6789", "my SSN is [redacted: social security number]"),
    ("social security number: 123456789", "social security number: [redacted: social security number]"),
    ("key sk-proj-abc123def456ghi789jkl", "key [redacted: API key]"),
    ("sk-ant-api03-AAAAaaaa1111bbbb2222", "[redacted: API key]"),
    ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "[redacted: API key]"),
    ("AKIAIOSFODNN7EXAMPLE", "[redacted: API key]"),
    ("AIzaSyD-1234567890abcdefghijklmnopqrstu", "[redacted: API key]"),
    ("xoxb-123456789012-abcdefghijkl", "[redacted: API key]"),
    ("sk_live_abcdefghij1234567890", "[redacted: API key]"),
    ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfi", "aws_secret_access_key = [redacted: secret]"),
    ("my api key is 9f8e7d6c5b4a39281706", "my api key is [redacted: secret]"),
    ("https://x.example/a?access_token=abcdef123456&x=1", "https://x.example/a?access_token=[redacted: secret]&x=1"),
    ("Authorization: Bearer abcdef1234567890", "Authorization: Bearer [redacted: token]"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N", "[redacted: token]"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nok", "[redacted: private key]\nok"),
    ("-----BEGIN PRIVATE KEY-----\nMIIE cut off", "[redacted: private key]"),
]

ORDINARY = [
    "my password is not working",
    "I forgot my password.",
    "my password's strength matters",
    "the password, username and port",
    "a 1.5 kpw: 12 engine",
    "How do I reset my password?",
    "the password is encrypted with bcrypt",
    "Password: must be at least 8 characters",
    "The password is too short, it needs 12 characters.",
    "def login(user, password=None):",
    'password=os.environ["DB_PASSWORD"]',
    "password: str",
    "Hash the password with SHA-256 in Python3",
    "My order number is 8823 1199 2231 0045",
    "order 123-4567890-1234567",
    "tracking number 1Z999AA10123456784",
    "call me at +49 151 23456789 tomorrow",
    "My phone number is 202-456-1414",
    "+1 (202) 456-1414",
    "on 2024-01-02 13:45:12 at 10.30",
    "born 12.03.1985, moved 1999-2004",
    "uuid 550e8400-e29b-41d4-a716-446655440000",
    "timestamp 1763725200000",
    "ISBN 978-3-16-148410-0",
    "I pinned the message at 10:30",
    "pin numpy to version 2024",
    "My PIN code arrived by post",
    "the token count is 4000",
    "token: the smallest unit of text",
    "api key rotation is a good practice",
    "the code is 200 OK",
    "I have 1234 apples and 42 pears",
    "https://example.com:8080/path?email=a@b.com",
    "What does the Bearer scheme do?",
    "sk-learn is a library and sk-estimators-are-nice",
    "my account was closed in 2019",
    "secret santa is on 24 December",
    "My passport is in my bag",
    "tests: pass: 4 fail: 2",
    "the card costs 4.50 and 12 points",
    "git commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
]


@pytest.mark.parametrize(("text", "expected"), SECRETS)
def test_a_secret_is_replaced_by_a_mark_of_its_kind(text: str, expected: str) -> None:
    assert redact(text) == expected


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert redact(text) == text


_FRAGMENTS = st.sampled_from(
    [
        *(text for text, _ in SECRETS),
        *ORDINARY,
        *words("password passphrase PIN token secret is was : = my the 1234 hunter2 [redacted: ] @ :// -u a to 4111"),
        "[redacted: password]",
        '"',
        "'",
        "\n",
        "account number",
        "seed phrase is",
        "to",
        "4111",
    ]
)


@given(st.lists(st.one_of(_FRAGMENTS, st.text(max_size=12)), max_size=12).map(" ".join))
def test_redacting_twice_is_redacting_once(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


UNITS = [
    "a",
    "1",
    "1111 ",
    "eyJ",
    "sk-1",
    "password ",
    "password is ",
    "://a:b",
    "://a:bbbb@",
    "DE89 ",
    "de89aaaa",
    " ",
]
UNITS += ["-----BEGIN PRIVATE KEY-----", "pin is ", "set password ", "x is my ", "authorization: ", "token=", "-", "1."]
UNITS += ["passphrase ", "account number 1 ", "SG.aaaaaaaaaaaaaaaaaaa", "[redacted: ", "password is a1b2c3 ", "-u a:b "]


@pytest.mark.parametrize("unit", UNITS)
def test_time_grows_no_faster_than_the_text(unit: str) -> None:
    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        begin = time.process_time()
        redact(text)
        return time.process_time() - begin

    # Quadratic would be a hundredfold; the constant absorbs timer noise on the small one.
    assert seconds(300_000) < 30 * seconds(30_000) + 1.0
