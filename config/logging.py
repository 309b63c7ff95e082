"""Logging: one line per event on standard error, for people (`console`) or for machines (`json`).

What is said or remembered, and any key, has no place in a log: libraries, whose debug messages hold headers and
bodies, speak from warnings up whatever the level, and of an exception, whose text may quote what it stumbled over, that
text is printed only where it can't.
"""

import logging
import sys
import traceback
from textwrap import indent

import structlog

from config.settings import Log

OWN_LOGGERS = ("remora", "config", "memory", "context", "admin", "proxy")
"""What `settings.log.level` rules: our packages, and `remora` for what reports under the product's name."""


_SPEAK_OF_CODE = (
    ArithmeticError,
    AttributeError,
    ImportError,
    IndexError,
    ModuleNotFoundError,
    NameError,
    RecursionError,
    TypeError,
    UnboundLocalError,
    ZeroDivisionError,
)
"""What Python raises with a text about the program, not about what it works on."""


def configure_logging(log: Log) -> None:
    """Send what structlog and the standard library's loggers say, uvicorn's included, through one handler.

    For the start of a process: it replaces whatever handlers there were.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(log)],
        )
    )
    logging.root.handlers = [handler]
    logging.root.setLevel(logging.WARNING)
    for name in OWN_LOGGERS:
        logging.getLogger(name).setLevel(log.level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def bind_request(request_id: str) -> None:
    """Name the request in every line logged from here on, in this task and in those it starts."""
    structlog.contextvars.bind_contextvars(request_id=request_id)


def unbind_request() -> None:
    """For a task that one request started and that works for others too."""
    structlog.contextvars.unbind_contextvars("request_id")


def _rendering(log: Log) -> list[structlog.typing.Processor]:
    tracebacks = structlog.processors.ExceptionRenderer(_of_exc_info)
    if log.format == "json":
        return [_first_line, tracebacks, structlog.processors.JSONRenderer(sort_keys=True)]
    plain = structlog.dev.plain_traceback
    return [
        _first_line,
        tracebacks,
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain),
    ]


def _first_line(
    _: structlog.typing.WrappedLogger, __: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """asyncio goes on with the representations of tasks and their exceptions."""
    if event.get("logger") == "asyncio":
        event["event"] = event["event"].partition("\n")[0]
    return event


def _of_exc_info(exc_info: structlog.typing.ExcInfo) -> str:
    return _traceback(exc_info[1]).rstrip("\n")


def _traceback(error: BaseException, told: frozenset[int] = frozenset()) -> str:
    """As Python prints it, its causes and the members of a group included, but for texts."""
    told |= {id(error)}
    lines = ["Traceback (most recent call last):\n", *traceback.format_tb(error.__traceback__), f"{_summary(error)}\n"]
    if isinstance(error, BaseExceptionGroup):
        lines += [indent(_traceback(each, told), "  | ") for each in error.exceptions]
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and id(before) not in told:
        lines.insert(0, f"{_traceback(before, told)}\nwhich led to:\n\n")
    return "".join(lines)


def _summary(error: BaseException) -> str:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    if kind in _SPEAK_OF_CODE or kind.__module__.partition(".")[0] in OWN_LOGGERS:
        return f"{name}: {error}"
    if isinstance(error, OSError) and error.strerror:
        return f"{name}: {error.strerror}"
    return name
