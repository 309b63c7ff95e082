"""Logging: one line per event on standard error, for people (`console`) or for machines (`json`).

What is said or remembered, and any key, has no place in a log: libraries, whose debug messages hold headers and
bodies, speak from warnings up whatever the level, and a traceback is printed without the values of its variables.
"""

import logging
import sys

import structlog

from config.settings import Log

OWN_LOGGERS = ("remora", "config", "memory", "context", "admin", "proxy")
"""What `settings.log.level` rules: our packages, and `remora` for what reports under the product's name."""


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
    if log.format == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(sort_keys=True)]
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
