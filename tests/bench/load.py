"""Load on one server by wrk, which checks every answer (see wrk.lua)."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("wrk.lua")

Figures = Mapping[str, float]
"""What one measurement found, by name. Times are milliseconds."""


class LoadFailedError(Exception):
    """Answers failed, or the load tool did."""


@dataclass(frozen=True)
class Expected:
    """What each answer's body has to be."""

    least: int
    """Bytes, as is `most`."""
    most: int
    ending: str


def answers(
    url: str, requests: Path, headers: Mapping[str, str], expected: Expected, *, connections: int, seconds: int
) -> Figures:
    """Send the requests of a file, each a new question: `per_second`, `p50`, `p99`, `used` (the share of answers that
    memory was used for). Raises LoadFailedError unless each is answered as expected."""
    done = subprocess.run(
        [
            *("wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s"),
            *("--timeout", "30s", "--script", str(SCRIPT), url, "--", str(requests)),
            *(str(expected.least), str(expected.most), expected.ending),
            *(f"{name}={value}" for name, value in headers.items()),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    _, found, line = done.stdout.partition("RESULT ")
    if not found:
        raise LoadFailedError(f"wrk: {done.stderr or done.stdout}")
    result = json.loads(line)
    count = result["requests"]
    if result["failures"] or result["wrong"] or not count:
        raise LoadFailedError(
            f"{url}: of {count} requests over {connections} connections {result['failures']} got no answer, "
            f"{result['wrong']} one that is not as it must be"
        )
    return {
        "per_second": count / result["microseconds"] * 1e6,
        "p50": result["p50"] / 1e3,
        "p99": result["p99"] / 1e3,
        "used": result["used"] / count,
    }
