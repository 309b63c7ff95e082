"""The OpenAPI document and its page at `/schema`, which needs nothing from the network."""

from importlib.metadata import distribution, version

from litestar import Router
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, SwaggerRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.static_files import create_static_files_router

from memory.api.options import PUBLIC

PATH = "/schema"
_ASSETS = f"{PATH}/assets"

_KEYS = Components(
    security_schemes={
        "header": SecurityScheme(type="apiKey", name="X-API-Key", security_scheme_in="header"),
        "bearer": SecurityScheme(type="http", scheme="bearer"),
        "query": SecurityScheme(type="apiKey", name="api_key", security_scheme_in="query"),
    }
)


_DESCRIPTION = """
The memory behind an OpenAI-compatible proxy.

The proxy itself answers under `/v1` and `/proxy/v1` as its upstream does: point an OpenAI client's `base_url` there.
What it is to do with memory is said in headers, each by two names:

| `X-Remora-…`, `X-MAIA-…` | |
| --- | --- |
| `Namespace` | Whose memories; default: `default`. Made on first use. |
| `Skip-Memory` | `true`: inject nothing. |
| `Skip-Extract` | `true`: learn nothing. |
| `Token-Budget` | How many tokens may be injected; 0 is none. |
| `Position` | Where: `system` (default), `first_user` or `before_last`. |
| `User`, `Session`, `Agent`, `App` | Of whom memories are recalled and learned. |

A key comes as `X-API-Key`, as `Authorization: Bearer …` or as `?api_key=`. An answer 429 says by `Retry-After` and
`X-RateLimit-Limit`, `-Remaining` and `-Reset` (Unix seconds) when to come back.
"""


def openapi() -> OpenAPIConfig:
    """The document of the native API; the proxied surface is the upstream's own."""
    page = SwaggerRenderPlugin(
        js_url=f"{_ASSETS}/swagger-ui-bundle.js",
        css_url=f"{_ASSETS}/swagger-ui.css",
        standalone_preset_js_url=f"{_ASSETS}/swagger-ui-standalone-preset.js",
        favicon='<link rel="icon" href="data:,">',
        path="/",
    )
    return OpenAPIConfig(
        title="Remora",
        version=version("remora"),
        description=_DESCRIPTION,
        use_handler_docstrings=True,
        components=_KEYS,
        security=[{"header": []}, {"bearer": []}, {"query": []}],
        render_plugins=[page, JsonRenderPlugin()],
        openapi_router=Router(PATH, route_handlers=[], include_in_schema=False, opt={PUBLIC: True}),
    )


def openapi_assets() -> Router:
    """The page's scripts and styles, from this machine."""
    # The package itself is not imported: it would load a template engine.
    folder = distribution("swagger-ui-py").locate_file("swagger_ui/static")
    return create_static_files_router(_ASSETS, directories=[str(folder)], opt={PUBLIC: True})
