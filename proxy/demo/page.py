"""How the demonstration looks: plain where there is no terminal, and never wider than a page."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from proxy.demo.talk import Reply

WIDTH = 88

Json = Mapping[str, Any]


class Page:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._width = min(console.width, WIDTH)

    def title(self, text: str) -> None:
        self._print(Rule(Text(f" {text} ", style="bold"), characters="═", style="cyan"))

    def chapter(self, text: str) -> None:
        self._print()
        self._print(Rule(Text(text, style="bold cyan"), align="left", style="cyan"))

    def tell(self, text: str) -> None:
        """A line or two of explanation; [bold] and such are understood."""
        self._print(Text.from_markup(text, style="dim"))

    def exchange(self, user: str, text: str, reply: Reply) -> None:
        table = Table(box=None, show_header=False, padding=(0, 1))
        table.add_column(justify="right", width=7, style="bold")
        table.add_column()
        table.add_row(Text(user, style="green"), Text(text))
        table.add_row(Text("model", style="magenta"), Text(reply.text))
        self._print(table)

    @contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        with self._console.status(f"[dim]{text}"):
            yield

    def learned(self, facts: Sequence[Json]) -> None:
        table = self._table("what Remora has learned", "facts")
        for fact in facts:
            table.add_row("+", fact["content"], fact["source"])
        self._print(table)

    def superseded(self, history: Sequence[Json]) -> None:
        table = self._table("its history keeps both", "")
        for change in history:
            table.add_row("·", change["content"], change["event"])
        self._print(table)

    def injected(self, block: str) -> None:
        title = "what Remora put into the prompt, and nobody typed"
        self._print(Padding(Panel(Text(block), title=title, title_align="left", border_style="yellow"), (0, 0, 0, 2)))

    def receipt(self, receipt: Json, facts: Sequence[Json], reply: Reply) -> None:
        texts = {fact["id"]: fact["content"] for fact in facts}
        table = self._table(f"the receipt: GET /v1/receipts/{receipt['request_id']}", "score", "tokens", "because of")
        for memory in receipt["memories"]:
            reasons = sorted(memory["reasons"].items(), key=lambda reason: -reason[1])
            because = ", ".join(f"{name} {share:.2f}" for name, share in reasons[:2])
            text = texts.get(memory["id"], "(what was said then)")
            table.add_row("", text, f"{memory['score']:.2f}", str(memory["tokens"]), because)
        self._print(table)
        self.tell(
            f"    [bold]{receipt['token_count']}[/] tokens injected, of {receipt['token_budget']} allowed "
            f"(counted in {receipt['encoding']}); [bold]{reply.added_ms:.1f} ms[/] added to the call"
        )

    def verdict(self, checks: Sequence[tuple[str, bool]]) -> None:
        for text, held in checks:
            mark = Text("  ✓ ", style="bold green") if held else Text("  ✗ ", style="bold red")
            self._print(mark + Text(text))

    def _table(self, title: str, *columns: str) -> Table:
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), show_edge=False, pad_edge=False)
        table.add_column("", width=3, justify="right", style="yellow")
        table.add_column(Text(title, style="yellow"), ratio=1)
        for column in columns:
            table.add_column(column, justify="right" if column in ("score", "tokens") else "left", style="dim")
        return table

    def _print(self, *what: Any) -> None:
        self._console.print(*what, width=self._width)
