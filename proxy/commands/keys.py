"""`remora keys create|list|revoke`."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from config.settings import Settings
from memory import ids
from memory.caller import ALL_SCOPES, DEFAULT_TENANT
from proxy.commands.asking import all_of, ask
from proxy.commands.base import url_option, with_settings
from proxy.commands.telling import show, tell
from proxy.paths import path_of

_SPAN = re.compile(r"(\d{1,5})([hdw])")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}

_tenant_option = click.option(
    "--tenant", metavar="NAME", default=DEFAULT_TENANT, show_default=True, help="Whose, by name or id."
)


def _time(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """An ISO 8601 time, as it is; a span from now on becomes one."""
    if value is None:
        return None
    if match := _SPAN.fullmatch(value):
        return (datetime.now(UTC) + timedelta(**{_UNITS[match[2]]: int(match[1])})).isoformat(timespec="seconds")
    try:
        datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(
            f"'{value}' is neither a time like 2030-01-31 nor a span like 12h, 90d or 4w"
        ) from None
    return value


def _key_id(_: click.Context, __: click.Parameter, value: str) -> str:
    if ids.parse(value, "key") is None:
        raise click.BadParameter("is no id of a key, which `remora keys list` tells")
    return value


@click.group()
def keys() -> None:
    """Issue, list and revoke tenants' keys.

    As soon as there is a key, a server asks everybody for one, be REMORA_ADMIN_KEY set or not.
    """


@keys.command()
@_tenant_option
@click.option("--name", default="", help="What it is for.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(sorted(ALL_SCOPES)),
    help="What it may do, once for each; without it all but 'admin'.",
)
@click.option("--namespace", "namespaces", multiple=True, metavar="NAME", help="Restrict it to this; may be repeated.")
@click.option("--expires", callback=_time, metavar="TIME", help="When it ends: 2030-01-31, or 12h, 90d, 4w from now.")
@url_option
@with_settings
def create(
    settings: Settings,
    *,
    tenant: str,
    name: str,
    scopes: tuple[str, ...],
    namespaces: tuple[str, ...],
    expires: str | None,
    url: str | None,
) -> None:
    """Issue a key. It is printed once, alone on standard output, and kept nowhere."""
    body: dict[str, Any] = {"name": name}
    body |= {"scopes": scopes} if scopes else {}
    body |= {"namespaces": namespaces} if namespaces else {}
    body |= {"expires_at": expires} if expires else {}
    path = path_of("admin", "tenants", tenant, "keys")
    issued = ask(settings, url, lambda api: api.post(path, json=body)).json()
    tell(f"{issued['id']} of the tenant {tenant} may {_may(issued)}; keep it, it is not shown again:")
    click.echo(issued["key"])


@keys.command("list")
@_tenant_option
@url_option
@with_settings
def list_(settings: Settings, *, tenant: str, url: str | None) -> None:
    """List keys, without what is secret of them."""
    path = path_of("admin", "tenants", tenant, "keys")
    found = ask(settings, url, lambda api: all_of(api, path, "keys"))
    columns = ["id", "name", "scopes", "namespaces", "created", "expires", "last used"]
    rows = [
        [
            key["id"],
            key["name"],
            ", ".join(key["scopes"]),
            "all" if key["namespaces"] is None else ", ".join(key["namespaces"]),
            key["created_at"],
            key["expires_at"] or "never",
            key["last_used_at"] or "never",
        ]
        for key in found
    ]
    show(f"{len(found):,} keys of the tenant {tenant}", columns, rows)


@keys.command()
@click.argument("key_id", callback=_key_id)
@_tenant_option
@url_option
@with_settings
def revoke(settings: Settings, *, key_id: str, tenant: str, url: str | None) -> None:
    """End the key of the id KEY_ID: in all processes within a minute."""
    path = path_of("admin", "tenants", tenant, "keys", key_id)
    ask(settings, url, lambda api: api.delete(path))
    tell(f"{key_id} is revoked")


def _may(issued: dict[str, Any]) -> str:
    told = ", ".join(issued["scopes"])
    if issued["namespaces"] is not None:
        told += f" in {', '.join(issued['namespaces'])}"
    return told if issued["expires_at"] is None else f"{told} until {issued['expires_at']}"
