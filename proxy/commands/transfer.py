"""`remora export` and `remora import`."""

import sys
from pathlib import Path

import click
from rich.console import Console

from config.settings import Settings
from proxy.commands.asking import ask
from proxy.commands.base import FAILED, url_option, with_settings
from proxy.commands.telling import tell

_STANDARD = Path("-")


@click.command("export")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--namespace", metavar="NAME", help="Only that one's.")
@click.option("--user", metavar="ID", help="Only theirs.")
@url_option
@with_settings
def export(settings: Settings, *, path: Path, namespace: str | None, user: str | None, url: str | None) -> None:
    """Write all memories to FILE, or to standard output for -.

    A line of JSON for each, whole, superseded ones too. Interrupted, it goes on where FILE ends when it is run again;
    run later, it adds what is new.
    """
    from proxy.transfer import Scope, export_to

    place = None if path == _STANDARD else path
    scope = Scope(namespace, user)
    count = ask(settings, url, lambda api: export_to(api, place, scope, Console(stderr=True)))
    tell(f"{count:,} memories")


@click.command("import")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False, exists=True, allow_dash=True))
@click.option("--namespace", metavar="NAME", help="Where those go that name no namespace.")
@click.option("--user", metavar="ID", help="Whose those are that name nobody.")
@url_option
@with_settings
def import_(settings: Settings, *, path: Path, namespace: str | None, user: str | None, url: str | None) -> None:
    """Bring in the memories of FILE, or of standard input for -.

    The lines of an export, or lines of JSON with a "content". What is there already is skipped, so that it can be run
    again.
    """
    from proxy.transfer import Scope, import_from

    place = None if path == _STANDARD else path
    scope = Scope(namespace, user)
    done = ask(settings, url, lambda api: import_from(api, place, scope, Console(stderr=True)))
    for failure in done.failures:
        tell(f"line {failure.line:,}: {failure.error.message}")
    if len(done.failures) < done.failed:
        tell(f"… and {done.failed - len(done.failures):,} lines more")
    tell(f"{done.imported:,} imported, {done.skipped:,} there already, {done.failed:,} refused")
    if done.failed:
        sys.exit(FAILED)
