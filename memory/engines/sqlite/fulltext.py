"""The text leg: a question as an FTS5 expression over its scopes.

FTS5 counts every row that has a word to weigh it, and ranks every row of the scope that has one, so the commonest words
cost most and weigh least. Words are taken rarest first for as long as they stay within a budget.

Measured at 10,000 memories of 25 words by Zipf's law, questions of ten such words: in one scope 2.7 ms instead of 18,
leaving out four words of ten; in one of 100 scopes 2.1 ms instead of 3.8, leaving out one or two.
"""

import apsw

from memory.engines.sqlite.scopes import Scope, word
from memory.engines.words import query_words

_BUDGET = 10_000
"""In rows counted, some 10 to a microsecond."""

_SHARE = 20
"""One in so many of the store's rows is added to the budget, so that in a large store no rare word stays out."""

_RANKING = 15
"""What ranking a row costs, in rows counted."""

_MOST_COUNTS = 50_000


class TextQueries:
    """Makes expressions; remembers how common words are until the store has grown by a tenth. For any thread."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._counted_at = 0

    def expression(self, connection: apsw.Connection, scopes: list[Scope], text: str) -> str | None:
        """For MATCH on `words`; None where there is nothing to look for."""
        scope_words = [word(scope.number) for scope in scopes]
        taken = self._affordable(connection, scope_words, query_words(text))
        if not taken or not scope_words:
            return None
        return f"scope : ({_any(scope_words)}) AND content : ({_any(taken)})"

    def _affordable(self, connection: apsw.Connection, scope_words: list[str], words: list[str]) -> list[str]:
        rows = int(connection.execute("SELECT coalesce(max(key), 0) FROM memories").get)
        budget = _BUDGET + rows // _SHARE
        if rows * len(words) * (1 + _RANKING) <= budget:
            return words
        if rows > self._counted_at * 1.1 + 1000 or len(self._counts) > _MOST_COUNTS:
            self._counts = {}
            self._counted_at = rows
        in_scope = sum(self._count(connection, scope_word) for scope_word in scope_words)
        cost = 1 + _RANKING * min(1.0, in_scope / rows)
        affordable: list[str] = []
        spent = 0.0
        for count, candidate in sorted((self._count(connection, candidate), candidate) for candidate in words):
            spent += count * cost
            if spent > budget and affordable:
                break
            affordable.append(candidate)
        return affordable

    def _count(self, connection: apsw.Connection, candidate: str) -> int:
        """In how many rows of the whole store it is."""
        count = self._counts.get(candidate)
        if count is None:
            query = "SELECT coalesce((SELECT doc FROM word_counts WHERE term = ?), 0)"
            count = self._counts[candidate] = int(connection.execute(query, (_stem(connection, candidate),)).get)
        return count


def _stem(connection: apsw.Connection, candidate: str) -> str:
    tokenizer = connection.fts5_tokenizer(
        "porter", ["unicode61", "remove_diacritics", "2", "categories", "L* N* Co M*"]
    )
    terms = tokenizer(
        candidate.encode(), apsw.FTS5_TOKENIZE_QUERY, None, include_offsets=False, include_colocated=False
    )
    return "".join(str(term) for term in terms)


def _any(words: list[str]) -> str:
    return " OR ".join(f'"{each}"' for each in words)
