"""What commands share: their settings, and their errors in words."""

import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec

import click

from config.settings import Settings, SettingsError, load
from memory.errors import RemoraError
from proxy.commands.telling import tell

DEFAULT_FILE = Path("remora.toml")

FAILED = 1
BAD_SETTINGS = 2

P = ParamSpec("P")

url_option = click.option(
    "--url",
    metavar="URL",
    help="The server to ask, e.g. http://localhost:8080/v1. Without it the store itself is opened or, where that is "
    "open in a server already, the server.",
)


def with_settings(command: Callable[Concatenate[Settings, P], None]) -> Callable[..., None]:
    """Gives a command `--config`, the settings as its first argument, and its errors in words."""

    @click.option(
        "--config",
        "file",
        type=click.Path(path_type=Path),
        help=f"Settings file; without it `{DEFAULT_FILE}`, where the working directory has one.",
    )
    @wraps(command)
    def wrapped(file: Path | None, *args: P.args, **options: P.kwargs) -> None:
        if file is None and DEFAULT_FILE.exists():
            file = DEFAULT_FILE
        try:
            command(load(os.environ, file), *args, **options)
        except SettingsError as error:
            for problem in error.problems:
                tell(problem)
            sys.exit(BAD_SETTINGS)
        except RemoraError as error:
            tell(error.message)
            sys.exit(FAILED)
        except BrokenPipeError:
            raise  # whoever read the output has had enough: click ends quietly
        except OSError as error:
            tell(str(error))
            sys.exit(FAILED)

    return wrapped
