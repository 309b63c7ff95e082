"""`remora tenants create|list|suspend|activate|delete`."""

from typing import get_args

import click

from admin.plans import Plan
from config.settings import Settings
from proxy.commands.asking import all_of, ask, show, tenant_path
from proxy.commands.base import url_option, with_settings


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
    ask(settings, url, lambda api: api.post(f"{tenant_path(name)}/suspend", json={"reason": reason}))
    click.echo(f"{name} is suspended", err=True)


@tenants.command()
@click.argument("name")
@url_option
@with_settings
def activate(settings: Settings, *, name: str, url: str | None) -> None:
    """End the suspension of the tenant NAME."""
    ask(settings, url, lambda api: api.post(f"{tenant_path(name)}/activate"))
    click.echo(f"{name} is active", err=True)


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
    if not yes:
        click.confirm(f"Delete {name} and all its memories, for good?", abort=True, err=True)
    click.echo(ask(settings, url, lambda api: api.delete(tenant_path(name))).json()["job_id"])
