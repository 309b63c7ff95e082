import json
import logging

import pytest
import structlog

from config.logging import bind_request, configure_logging
from config.settings import Log


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
def test_a_traceback_prints_no_variable(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Log(format=kind))  # type: ignore[arg-type]
    key = "".join(["sk-", "1" * 8])
    try:
        raise ValueError(len(key))
    except ValueError:
        logging.getLogger("remora").exception("failed")
        structlog.get_logger("remora").exception("failed")
    printed = capsys.readouterr().err
    assert printed.count("ValueError: 11") == 2
    assert "sk-11111111" not in printed


def test_the_console_is_plain_where_it_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Log(format="console"))
    logging.getLogger("remora").error("told")
    assert "\x1b" not in capsys.readouterr().err
