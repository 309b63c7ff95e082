"""A Filter as SQL over `memories m`. Isolation between tenants is here and nowhere else."""

from collections.abc import Iterable, Sequence

import apsw

from memory.engines.base import Filter
from memory.engines.sqlite.rows import category_label, metadata_label, tag_label


def conditions(where: Filter) -> "tuple[str, list[apsw.SQLiteValue]]":
    """The condition after WHERE, which never lacks the tenant, and the values of its placeholders."""
    parts = ["m.tenant = ?"]
    values: list[apsw.SQLiteValue] = [where.tenant]

    def add(part: str, *given: "apsw.SQLiteValue") -> None:
        parts.append(part)
        values.extend(given)

    if where.current:
        add("m.current = 1")
    for column, choices in (
        ("namespace", where.namespaces),
        ("owner", where.owners),
        ("state", where.states),
        ("type", where.types),
    ):
        if choices is not None:
            add(f"m.{column} IN {_places(choices)}", *choices)
    for column, wanted in (
        ("user_id", where.user_id),
        ("agent_id", where.agent_id),
        ("run_id", where.run_id),
        ("app", where.app),
        ("org_id", where.org_id),
        ("slot", where.slot),
        ("content_hash", where.content_hash),
        ("source", where.source),
    ):
        if wanted is not None:
            add(f"m.{column} = ?", wanted)
    for column, comparison, bound in (
        ("confidence", ">=", where.min_confidence),
        ("created_at", ">=", where.created_from),
        ("created_at", "<=", where.created_to),
        ("happened_at", ">=", where.happened_from),
        ("happened_at", "<=", where.happened_to),
    ):
        if bound is not None:
            add(f"m.{column} {comparison} ?", bound)
    for label in _labels(where):
        add("EXISTS (SELECT 1 FROM labels WHERE memory = m.key AND label = ?)", label)
    if where.categories:
        categories = [category_label(category) for category in where.categories]
        add(f"EXISTS (SELECT 1 FROM labels WHERE memory = m.key AND label IN {_places(categories)})", *categories)
    return " AND ".join(parts), values


def _labels(where: Filter) -> Iterable[str]:
    yield from map(tag_label, where.tags)
    for key, value in where.metadata.items():
        yield metadata_label(key, value)


def _places(values: Sequence[object]) -> str:
    return f"({', '.join('?' * len(values))})"
