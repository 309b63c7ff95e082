import msgspec
import pytest

from memory.model import Memory, Name, content_hash


@pytest.mark.parametrize("name", ["default", "user:john", "a b", "日本", "🐟", "x" * 128, "...", ".a", "a|b", "*"])
def test_a_name_may_be_any_text_of_up_to_128_characters(name: str) -> None:
    assert name == msgspec.convert(name, Name)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\n", "\n", "a\x00", "a\x7f", "a\x85", "x" * 129])
def test_a_name_has_no_slash_and_no_control_character_and_is_no_dot_path(name: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(name, Name)


def test_texts_that_differ_in_case_and_white_space_only_hash_alike() -> None:
    assert content_hash("Likes  Tea\n") == content_hash("likes tea")
    assert content_hash("likes tea") != content_hash("likes teas")


def memory(**fields: object) -> Memory:
    base = {
        "id": 1,
        "tenant": "t",
        "namespace": "n",
        "content": "c",
        "created_at": 5,
        "updated_at": 5,
        "accessed_at": 5,
    }
    return msgspec.convert({**base, **fields}, Memory)


def test_a_memory_belongs_to_its_user_else_to_the_credential_else_to_nobody() -> None:
    assert memory(user_id="u", credential="k").owner == "u:u"
    assert memory(credential="k").owner == "c:k"
    assert memory().owner == ""


def test_a_superseded_or_inactive_memory_is_not_current() -> None:
    assert memory().current
    assert not memory(superseded_by=2).current
    assert not memory(state="archived").current


def test_a_memory_happened_when_it_was_created_unless_it_says_otherwise() -> None:
    assert memory().happened_at == 5
    assert memory(event_at=0).happened_at == 0


def test_a_memorys_size_is_that_of_its_content_and_metadata() -> None:
    plain = memory(content="né")
    assert plain.size == 3
    assert memory(content="né", metadata={"k": "é"}).size == 3 + len('{"k":"é"}'.encode())
