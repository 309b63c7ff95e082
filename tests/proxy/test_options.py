from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.errors import Invalid
from proxy.options import Options, read_options


def test_nothing_is_asked_for_by_headers_of_other_kinds() -> None:
    assert read_options([(b"content-type", b"application/json"), (b"x-request-id", b"1")]) == Options()


@pytest.mark.parametrize("prefix", [b"x-remora-", b"x-maia-"])
def test_every_option_is_read_under_both_names(prefix: bytes) -> None:
    headers = [
        (b"namespace", b"work"),
        (b"skip-memory", b"true"),
        (b"skip-extract", b"1"),
        (b"token-budget", b"500"),
        (b"position", b"before_last"),
        (b"user", b"ann"),
        (b"session", b"s1"),
        (b"agent", b"helper"),
        (b"app", b"mail"),
    ]
    assert read_options((prefix + name, value) for name, value in headers) == Options(
        namespace="work",
        skip_memory=True,
        skip_extract=True,
        token_budget=500,
        position="before_last",
        user="ann",
        session="s1",
        agent="helper",
        app="mail",
    )


def test_both_names_may_say_the_same() -> None:
    assert read_options([(b"x-remora-skip-memory", b"true"), (b"x-maia-skip-memory", b"1")]).skip_memory


@pytest.mark.parametrize("second", [b"x-maia-user", b"x-remora-user"])
def test_an_option_said_twice_in_different_ways_is_refused(second: bytes) -> None:
    with pytest.raises(Invalid, match="contradicts"):
        read_options([(b"x-remora-user", b"ann"), (second, b"bob")])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"x-remora-token-budget", b"-1"),
        (b"x-remora-token-budget", b"1.5"),
        (b"x-remora-token-budget", b"many"),
        (b"x-remora-token-budget", b""),
        (b"x-remora-token-budget", b"1000001"),
        (b"x-remora-token-budget", "٣".encode()),
        (b"x-remora-token-budget", b"9" * 5000),
        (b"x-maia-skip-memory", b"yes"),
        (b"x-remora-skip-extract", b""),
        (b"x-remora-position", b"end"),
        (b"x-remora-namespace", b""),
        (b"x-remora-namespace", b"a/b"),
        (b"x-remora-namespace", b".."),
        (b"x-remora-user", b"a%0Ab"),
        (b"x-remora-user", b"\xff"),
        (b"x-remora-user", b"%ff"),
        (b"x-remora-session", b"s" * 129),
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_header(name: bytes, value: bytes) -> None:
    with pytest.raises(Invalid) as refusal:
        read_options([(name, value)])
    assert str(refusal.value.details["field"]).lower() == name.decode()
    assert refusal.value.message.startswith(str(refusal.value.details["field"]))


def test_a_budget_of_zero_is_a_budget() -> None:
    assert read_options([(b"x-remora-token-budget", b"0")]).token_budget == 0


names = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/%"), min_size=1, max_size=128)


@given(names.filter(lambda name: name not in {".", ".."} and name == name.strip()))
def test_a_name_comes_through_as_utf8_and_percent_encoded(name: str) -> None:
    assert read_options([(b"x-remora-user", name.encode())]).user == name
    assert read_options([(b"x-remora-user", quote(name, safe="").encode())]).user == name
