import pytest

from memory.extraction.fields import extract_fields


def test_emails_phones_and_urls_are_read_in_order_once_each() -> None:
    text = (
        "Mail bob.x+1@Example.COM. or bob.x+1@example.com, call (202) 456-1414 or +44 20 7946 0958; "
        "see https://en.wikipedia.org/wiki/Foo_(bar) (also www.example.com/x)."
    )
    assert extract_fields(text) == {
        "emails": ["bob.x+1@example.com"],
        "phones": ["+12024561414", "+442079460958"],
        "urls": ["https://en.wikipedia.org/wiki/Foo_(bar)", "https://www.example.com/x"],
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain words",
        "2024-01-02, 20240102 and 192.168.1.100",
        "order 123-4567890-1234567",
        "a@b and x@@y.com",
        "http://",
        "555-0100",
    ],
)
def test_nothing_is_read_where_nothing_is(text: str) -> None:
    assert extract_fields(text) == {}
