"""Word lists and alternations, readable."""


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def either(*alternatives: str) -> str:
    """A regular expression for any one of them; the earlier is tried first."""
    return f"(?:{'|'.join(alternatives)})"
