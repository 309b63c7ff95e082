"""The evaluation's figures as Markdown."""

from collections.abc import Iterable, Mapping, Sequence

from tests.recall.corpus import CATEGORIES
from tests.recall.scores import BUDGETS, DEPTHS, Answered, Figures, by_category, figures

ABLATED_DEPTH, ABLATED_BUDGET = 10, 512


def scores(engine: str, answers: Sequence[Answered]) -> str:
    """A row for each category, and what must not happen."""
    head = [engine, "questions", *(f"recall@{depth}" for depth in DEPTHS), *(f"in {budget:,}" for budget in BUDGETS)]
    whole, parts = figures(answers), by_category(answers)
    rows = [_row(f"**{name}**" if name == "all" else name, of) for name, of in _ordered(parts, whole)]
    zeros = (
        f"Memories of other users: {whole.wrong_user}. Outdated facts shown as current: {whole.outdated}. "
        f"Contexts over their budget: {whole.over_budget}.\n"
        f"Contexts that tell a former statement without the fact that took its place: {whole.misleading}."
    )
    return f"{_table(head, rows)}\n{zeros}\n"


def ablation(by_engine: Mapping[str, Mapping[str, Figures]]) -> str:
    """`by_engine`: the figures with each weight at 0, and under "" those with the weights as they are set. Differences
    in points: below 0, the signal helps."""
    head = ["without"]
    for engine in by_engine:
        head += [f"{engine}: recall@{ABLATED_DEPTH}", f"{engine}: in {ABLATED_BUDGET}"]
    rows = []
    for weight in next(iter(by_engine.values())):
        cells = []
        for runs in by_engine.values():
            now, whole = runs[weight], runs[""]
            for one, other in (
                (now.recall[ABLATED_DEPTH], whole.recall[ABLATED_DEPTH]),
                (now.evidence[ABLATED_BUDGET], whole.evidence[ABLATED_BUDGET]),
            ):
                cells.append(f"{one - other:+.1f}" if weight else f"{one:.1f}")
        rows.append([f"`{weight}`" if weight else "nothing", *cells])
    return _table(head, rows)


def _ordered(parts: Mapping[str, Figures], whole: Figures) -> Iterable[tuple[str, Figures]]:
    yield from ((name, parts[name]) for name in CATEGORIES if name in parts)
    yield "all", whole


def _row(name: str, of: Figures) -> list[str]:
    return [name, f"{of.questions}", *(f"{share:.1f}" for share in (*of.recall.values(), *of.evidence.values()))]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
