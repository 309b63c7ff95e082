import pytest

from admin import credentials
from memory.errors import Invalid

KEY = "remora_" + "aB3-_" * 8 + "xyz"

Headers = list[tuple[bytes, bytes]]


def test_every_value_of_every_method_is_presented() -> None:
    headers = [(b"x-api-key", b"a"), (b"x-api-key", b" b "), (b"authorization", b"Bearer c"), (b"authorization", b"d")]
    given = credentials.read(headers, b"api_key=e&x=1")
    assert set(given.presented) == {"a", "b", "c", "e"}
    assert set(given.beside_authorization) == {"a", "b", "e"}


def test_a_parameter_may_come_several_times_and_escaped() -> None:
    assert credentials.read([], b"api_key=a%2Bb&api%5Fkey=c&api_key=&my_api_key=d").presented == ("a+b", "c")


def test_very_many_keys_are_not_tried() -> None:
    with pytest.raises(Invalid, match="send one"):
        credentials.read([(b"x-api-key", b"%d" % number) for number in range(5)], b"")


@pytest.mark.parametrize(
    ("query", "rest"),
    [
        (b"", b""),
        (b"api_key=a", b""),
        (b"x=1&api_key=a&y=%20", b"x=1&y=%20"),
        (b"api%5Fkey=a&&x", b"&x"),
        (b"API_KEY=a;api_key=b", b"API_KEY=a;api_key=b"),
    ],
)
def test_what_is_left_of_a_query_without_the_key_is_as_it_was_sent(query: bytes, rest: bytes) -> None:
    assert credentials.without_key(query) == rest


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ([(b"x-goog-api-key", KEY.encode())], b""),
        ([(b"x-custom", b"a," + KEY.encode() + b";b")], b""),
        ([(b"authorization", b"Token token=" + KEY.encode())], b""),
        ([(b"authorization", b'Bearer "' + KEY.encode() + b'"')], b""),
        ([(b"authorization", b"Bearer x" + KEY.encode())], b""),
        ([], b"API_KEY=" + KEY.encode()),
        ([], b"y=1;api_key=" + KEY.encode()),
        ([], b"key=%72emora_" + KEY.removeprefix("remora_").encode()),
    ],
)
def test_a_tenants_key_is_found_wherever_an_upstream_would_see_it(headers: Headers, query: bytes) -> None:
    assert credentials.holds_key(credentials.passed_on(headers, query, authorization=True))


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ([(b"x-api-key", KEY.encode())], b""),
        ([(b"authorization", b"Bearer " + KEY.encode())], b"api_key=" + KEY.encode()),
        ([(b"referer", b"http://localhost/?api_key=" + KEY.encode())], b""),
        ([(b"user-agent", b"remora_test/1.0")], b"user=remora_bot"),
    ],
)
def test_where_a_key_belongs_and_what_only_looks_like_one_is_let_be(headers: Headers, query: bytes) -> None:
    assert not credentials.holds_key(credentials.passed_on(headers, query, authorization=False))


@pytest.mark.parametrize("text", ["secret", "a\nsecret", 'token="secret"', "x,secret;y", "x=secret&y"])
def test_another_key_is_found_as_a_word(text: str) -> None:
    assert credentials.holds_key(text, ["secret"])


@pytest.mark.parametrize("text", ["", "secrets", "top-secret", "application/secret"])
def test_another_key_is_not_found_within_words(text: str) -> None:
    assert not credentials.holds_key(text, ["secret"])
