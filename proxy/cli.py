"""The command line: `remora serve|work|demo|doctor|reindex|export|import|keys|tenants`."""

import asyncio
import sys

import click
from rich.console import Console

from config.logging import configure_logging
from config.settings import Log, Settings
from memory.errors import RemoraError
from proxy.commands.base import FAILED, with_settings
from proxy.commands.keys import keys
from proxy.commands.tenants import tenants
from proxy.commands.transfer import export, import_


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="remora", message="%(package)s %(version)s")
def main() -> None:
    """Remora: an OpenAI-compatible LLM proxy that remembers.

    Settings come from REMORA_* environment variables over a TOML file over defaults.
    """


@main.command()
@with_settings
def serve(settings: Settings) -> None:
    """Serve the proxy and the memory API."""
    from proxy.serve import serve

    serve(settings)


@main.command()
@with_settings
def work(settings: Settings) -> None:
    """Learn from conversations, beside servers that don't."""
    import uvloop

    from proxy.work import work

    configure_logging(settings.log)
    uvloop.run(work(settings))


@main.command()
@with_settings
def doctor(settings: Settings) -> None:
    """Try out what the settings name, and say what to do."""
    from proxy.doctor import examine, show

    configure_logging(Log(level="error"))
    console = Console()
    with console.status("looking …"):
        findings = asyncio.run(examine(settings))
    show(findings, console)
    if any(finding.state == "bad" for finding in findings):
        sys.exit(FAILED)


@main.command()
@with_settings
def reindex(settings: Settings) -> None:
    """Embed every memory anew, for another embedder."""
    from proxy.reindex import reindex

    configure_logging(settings.log)
    asyncio.run(reindex(settings, Console()))


@main.command()
def demo() -> None:
    """See a conversation remember an earlier one."""
    try:
        from proxy.demo.story import demonstrate
    except ModuleNotFoundError as error:
        if error.name != "openai":
            raise
        raise click.ClickException("the demo talks through the openai package: install 'remora[demo]'") from error
    try:
        remembered = demonstrate(Console())
    except RemoraError as error:
        raise click.ClickException(error.message) from error
    if not remembered:
        sys.exit(FAILED)


main.add_command(keys)
main.add_command(tenants)
main.add_command(export)
main.add_command(import_)

if __name__ == "__main__":
    main()
