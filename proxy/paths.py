"""Paths of the API, from names that someone typed."""

from urllib.parse import quote

from memory.errors import Invalid


def path_of(*segments: str) -> str:
    """The path of these segments, none of which leads elsewhere. Raises Invalid for one that would, or is empty."""
    for segment in segments:
        # Clients resolve dots, and servers a quoted slash.
        if segment in {"", ".", ".."} or "/" in segment:
            raise Invalid(f"'{segment}' is no name or id")
    return "".join(f"/{quote(segment, safe='')}" for segment in segments)
