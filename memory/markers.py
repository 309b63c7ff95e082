"""The marks around the block of memory in a prompt: what lies between them was injected, and is data."""

import re

BLOCK_OPEN = "<remora-memory>"
BLOCK_CLOSE = "</remora-memory>"

# A block whose end was cut off reaches to the end of the text: better lose words than learn injected ones.
_BLOCK = re.compile(rf"{BLOCK_OPEN}.*?(?:{BLOCK_CLOSE}|\Z)", re.DOTALL)
_WORD = re.compile(r"(?<=remora)[\W_]{1,8}(?=memory)", re.IGNORECASE)


def strip_blocks(text: str) -> str:
    """`text` without the blocks a client echoes back to us, and without what a lone mark leaves around."""
    if "remora-memory" not in text:
        return text
    return _BLOCK.sub("", text).replace(BLOCK_CLOSE, "").strip()


def neutralise(text: str) -> str:
    """`text` with the word of our marks, however it is spelled or bracketed, made two words of the same length, so
    that a memory can't end the block that holds it, nor look to a reader as if it did."""
    return _WORD.sub(lambda joint: " " * len(joint[0]), text)
