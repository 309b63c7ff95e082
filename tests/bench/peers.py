"""LiteLLM's proxy from PyPI, in an environment that is thrown away with it."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.servers import ROOT, Server, listening
from tests.bench.upstream import FAST, PACED
from tests.support.ports import free_port

PACKAGE = "litellm[proxy]>=1.80,<2"
START_SECONDS = 300.0
"""It imports for 15 s where it has a core for itself."""

_MODEL = """
  - model_name: {model}
    litellm_params: {{model: "openai/{model}", api_base: "{base_url}/v1", api_key: bench}}"""
_SETTINGS = """
litellm_settings: {telemetry: false, set_verbose: false, request_timeout: 60}
general_settings: {disable_spend_logs: true}
"""

# What its documentation advises for production, less what needs a database or Redis; nothing is fetched or reported.
_ENVIRONMENT = {"LITELLM_LOG": "ERROR", "LITELLM_MODE": "PRODUCTION", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}


@contextmanager
def litellm(upstream: Server, folder: Path, key: str) -> Iterator[Server]:
    """One worker, no database, in front of the same upstream; `key` is what it is to be asked with."""
    place = folder / "litellm"
    _install(place)
    models = "".join(_MODEL.format(model=model, base_url=upstream.url) for model in (FAST, PACED))
    (configuration := place / "config.yaml").write_text(f"model_list:{models}{_SETTINGS}")
    port = free_port()
    command = [
        *(str(place / "bin" / "litellm"), "--config", str(configuration)),
        *("--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"),
    ]
    environment = _ENVIRONMENT | {"LITELLM_MASTER_KEY": key}
    with listening(command, port, folder=place, environment=environment, patience=START_SECONDS) as server:
        yield server


def version(folder: Path) -> str:
    """Which LiteLLM was installed."""
    [found] = (folder / "litellm" / "lib").glob("python*/site-packages/litellm-*.dist-info")
    return found.name.removeprefix("litellm-").removesuffix(".dist-info")


def _install(place: Path) -> None:
    uv = shutil.which("uv") or str(ROOT / ".venv-uv" / "bin" / "uv")
    for command in (
        [uv, "venv", "--quiet", "--python", sys.executable, str(place)],
        [uv, "pip", "install", "--quiet", "--python", str(place / "bin" / "python"), PACKAGE],
    ):
        subprocess.run(command, check=True)
