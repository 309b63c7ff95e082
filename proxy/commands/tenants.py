"""`remora tenants create|list|suspend|activate|delete`."""

import sys
from typing import get_args

import click

from admin.plans import Plan
from config.settings import Settings
from proxy.commands.asking import all_of, ask
from proxy.commands.base import url_option, with_settings
from proxy.commands.telling import show, tell, visible
from proxy.paths import path_of


@click.group()
def tenants() -> None:
    """Create, list, suspend and delete tenants."""


@tenants.command()
@click.argument("name")
@click.option("--display-name", default="", help="Its name for people.")
@click.option("--plan", type=click.Choice(get_args(Plan)), default="standard", show_default=True)
@url_option
@with_settings
def create(settings: Settings, *, name: str, display_name: str, plan: str, url: str | None) -> None:
    """Create the tenant NAME. Its id is printed on standard output."""
    body = {"name": name, "display_name": display_name, "plan": plan}
    click.echo(ask(settings, url, lambda api: api.post("/admin/tenants", json=body)).json()["id"])


@tenants.command("list")
@url_option
@with_settings
def list_(settings: Settings, *, url: str | None) -> None:
    """List tenants with what they use."""
    found = ask(settings, url, lambda api: all_of(api, "/admin/tenants", "tenants"))
    columns = ["id", "name", "plan", "status", "memories", "bytes", "requests today"]
    rows = [
        [tenant["id"], tenant["name"], tenant["plan"], tenant["status"], *(f"{n:,}" for n in tenant["usage"].values())]
        for tenant in found
    ]
    show(f"{len(found):,} tenants", columns, rows)


@tenants.command()
@click.argument("name")
@click.option("--reason", help="Told to whoever uses its keys.")
@url_option
@with_settings
def suspend(settings: Settings, *, name: str, reason: str | None, url: str | None) -> None:
    """Refuse the keys of the tenant NAME until it is activated."""
    path = path_of("admin", "tenants", name, "suspend")
    ask(settings, url, lambda api: api.post(path, json={"reason": reason}))
    tell(f"{name} is suspended")


@tenants.command()
@click.argument("name")
@url_option
@with_settings
def activate(settings: Settings, *, name: str, url: str | None) -> None:
    """End the suspension of the tenant NAME."""
    path = path_of("admin", "tenants", name, "activate")
    ask(settings, url, lambda api: api.post(path))
    tell(f"{name} is active")


@tenants.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Don't ask.")
@url_option
@with_settings
def delete(settings: Settings, *, name: str, yes: bool, url: str | None) -> None:
    """Delete the tenant NAME with all that it ever stored.

    Its keys end at once. The rest is done by the next worker: of a server, or `remora work`. The job's id is printed on
    standard output.
    """
    path = path_of("admin", "tenants", name)
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("nobody is there to confirm it: say --yes")
        click.confirm(f"Delete {visible(name)} and all its memories, for good?", abort=True, err=True)
    click.echo(ask(settings, url, lambda api: api.delete(path)).json()["job_id"])
