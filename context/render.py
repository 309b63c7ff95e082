"""The text that goes into a prompt."""

SEPARATOR = "\n\n"
"""Parts an injected block from the text it is added to."""
