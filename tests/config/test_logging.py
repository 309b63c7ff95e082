import json
import logging
from typing import Literal

import pytest
import structlog

from config.logging import bind_request, configure_logging
from config.settings import Log, SettingsError


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return [json.loads(line) for line in captured.err.splitlines()]


def test_structlog_and_the_standard_library_speak_alike(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Log(format="json"))
    structlog.get_logger("proxy.one").info("told", count=1)
    logging.getLogger("proxy.one").info("%s", "told", extra={"count": 1})
    first, second = lines(capsys)
    assert first | {"timestamp": ""} == second | {"timestamp": ""}
    assert first["event"] == "told"


def test_a_line_names_its_request(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Log(format="json"))
    bind_request("req_1")
    logging.getLogger("memory").warning("told")
    assert lines(capsys)[0]["request_id"] == "req_1"


@pytest.mark.parametrize("name", ["httpx", "httpcore", "aiohttp.client", "redis", "uvicorn.error"])
def test_a_library_speaks_from_warnings_up_whatever_the_level(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Log(format="json", level="debug"))
    logging.getLogger(name).info("authorization: Bearer sk-1")
    logging.getLogger(name).warning("broken")
    assert [line["event"] for line in lines(capsys)] == ["broken"]


def test_the_level_rules_our_own_loggers(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Log(format="json", level="warning"))
    logging.getLogger("remora.worker").info("quiet")
    structlog.get_logger("context.assemble").info("quiet")
    logging.getLogger("remora.worker").warning("loud")
    assert [line["event"] for line in lines(capsys)] == ["loud"]


@pytest.mark.parametrize("kind", ["console", "json"])
def test_a_traceback_prints_no_variable_and_no_text_that_may_quote_one(
    kind: Literal["console", "json"], capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(Log(format=kind))
    key = "".join(["sk-", "1" * 8])
    try:
        int(key)
    except ValueError:
        logging.getLogger("remora").exception("failed")
        structlog.get_logger("remora").exception("failed")
    printed = capsys.readouterr().err
    assert printed.count("int(key)") == printed.count("ValueError") == 2
    assert "sk-11111111" not in printed


def said_of(error: BaseException, capsys: pytest.CaptureFixture[str]) -> str:
    """The traceback of what is raised as `error`."""
    configure_logging(Log(format="json"))
    try:
        raise error
    except BaseException:
        logging.getLogger("remora").exception("failed")
    [line] = lines(capsys)
    assert isinstance(line["exception"], str)
    return line["exception"]


@pytest.mark.parametrize(
    ("error", "last"),
    [
        (SettingsError(["REMORA_PORT: expected a number"]), "SettingsError: REMORA_PORT: expected a number"),
        (TypeError("f() takes no arguments"), "TypeError: f() takes no arguments"),
        (ConnectionRefusedError(111, "Connection refused", "secret"), "ConnectionRefusedError: Connection refused"),
        (KeyError("secret"), "KeyError"),
        (json.JSONDecodeError("secret", "secret", 0), "json.decoder.JSONDecodeError"),
    ],
)
def test_an_exceptions_text_is_printed_where_it_speaks_of_the_program(
    error: Exception, last: str, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = said_of(error, capsys)
    assert printed.splitlines()[-1].endswith(last)
    assert "secret" not in printed


def test_causes_and_members_of_a_group_are_told_in_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    group = ExceptionGroup("secret", [ValueError("secret"), ZeroDivisionError("division by zero")])
    group.__cause__ = KeyError("secret")
    group.__cause__.__context__ = group
    printed = said_of(group, capsys)
    told = ["KeyError", "which led to:", "ExceptionGroup", "  | ValueError", "  | ZeroDivisionError: division by zero"]
    assert [line for line in printed.splitlines() if line in told] == told
    assert "secret" not in printed


def test_asyncio_tells_no_representation_of_an_exception(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Log(format="json"))
    logging.getLogger("asyncio").error("Task exception was never retrieved\nfuture: <exception=ValueError('secret')>")
    assert [line["event"] for line in lines(capsys)] == ["Task exception was never retrieved"]


def test_the_console_is_plain_where_it_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Log(format="console"))
    logging.getLogger("remora").error("told")
    assert "\x1b" not in capsys.readouterr().err
