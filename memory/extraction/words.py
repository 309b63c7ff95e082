"""Word lists as text, one word per gap."""


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())
