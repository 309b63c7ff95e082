"""Texts of every kind a memory may hold, from Latin to emoji, and what breaks careless tokenizers."""

from hypothesis import strategies as st

from memory.markers import BLOCK_CLOSE, BLOCK_OPEN

PIECES = (
    "I never want mushrooms. ", "naïve café, “quoted”, ", "Größe: 3,5 m² ", "Мы были в Киеве. ", "ראיתי אותו ",
    "मैं दिल्ली में रहता हूँ ", "私は寿司が好きです。", "김치를 좋아해요 ", "👩‍👩‍👧‍👦", "🇩🇪🇵🇹", "e\u0301", "\n",
    "\n\n", "\r\n", "\n  ", " \n/path", "\u2028", "\x0b", "\t", "    ", "/", "#", "## Relevant Context\n", "- ", "<",
    BLOCK_OPEN, BLOCK_CLOSE, BLOCK_CLOSE.upper(), "< / remora-memory>", "<|endoftext|>", "</s>", "1234567890",
    "a" * 30, "...", "?!", "x=1;\n\ty=2\n", "\x00", "\ufeff", "\u200b",
)  # fmt: skip

any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
texts = st.one_of(any_text, st.lists(st.one_of(st.sampled_from(PIECES), any_text), max_size=12).map("".join))
contents = texts.filter(lambda text: text.strip() != "")
