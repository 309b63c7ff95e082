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
        self._list("Remora has learned", [(fact["content"], "") for fact in facts])

    def superseded(self, history: Sequence[Json]) -> None:
        self._list("and its history keeps both", [(change["content"], change["event"]) for change in history])

    def injected(self, block: str) -> None:
        title = "what Remora put into the prompt, and nobody typed"
        panel = Panel(Text(block), title=title, title_align="left", border_style="yellow")
        self._print(Padding(panel, (0, 0, 0, 3)))

    def receipt(self, receipt: Json, facts: Sequence[Json], reply: Reply) -> None:
        """`facts` lends the texts, of which a receipt has none."""
        texts = {fact["id"]: fact["content"] for fact in facts}
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1), header_style="dim")
        table.add_column("memory", ratio=1)
        for column in ("score", "tokens"):
            table.add_column(column, justify="right")
        table.add_column("above all by", style="dim", no_wrap=True)
        for memory in sorted(receipt["memories"], key=lambda memory: -memory["score"]):
            (reason, share), *_ = sorted(memory["reasons"].items(), key=lambda reason: -reason[1])
            text = texts.get(memory["id"], "(an earlier exchange, in its own words)")
            table.add_row(text, f"{memory['score']:.2f}", str(memory["tokens"]), f"{reason} {share:.2f}")
        self._print(Text(f"    and its receipt, from GET /v1/receipts/{receipt['request_id']}:", style="yellow"))
        self._print(Padding(table, (0, 0, 0, 4)))
        tokens = f"[bold]{receipt['token_count']}[/] tokens of at most {receipt['token_budget']}"
        self.tell(
            f"     {tokens} (as {receipt['encoding']} counts); [bold]{reply.added_ms:.1f} ms[/] added to the call"
        )

    def verdict(self, checks: Sequence[tuple[str, bool]]) -> None:
        for text, held in checks:
            mark = Text("  ✓ ", style="bold green") if held else Text("  ✗ ", style="bold red")
            self._print(mark + Text(text))

    def _list(self, title: str, rows: Sequence[tuple[str, str]]) -> None:
        table = Table(box=None, show_header=False, padding=(0, 1))
        for text, note in rows:
            table.add_row(Text("+", style="yellow"), Text(text), Text(note, style="dim"))
        self._print(Text(f"    {title}:", style="yellow"))
        self._print(Padding(table, (0, 0, 0, 4)))

    def _print(self, *what: Any) -> None:
        self._console.print(*what, width=self._width)
