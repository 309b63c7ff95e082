"""What commands print: names come from others, and none of them may speak to the terminal."""

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

_PIPED_WIDTH = 240


def visible(text: str) -> str:
    """With an escape, e.g. `\\x1b`, in place of every character that can't be seen, or that turns what can."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in text
    )


def tell(message: str) -> None:
    """A line to whoever runs the command, on standard error."""
    click.echo(visible(message), err=True)


def show(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """A table, on standard output; the first column is whole however narrow the terminal."""
    table = Table(title=Text(visible(title)), title_justify="left", box=None, header_style="bold")
    for place, column in enumerate(columns):
        table.add_column(column, no_wrap=place == 0, overflow="fold")
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    console = Console()
    if not console.is_terminal:
        console.width = _PIPED_WIDTH
    console.print(table)
