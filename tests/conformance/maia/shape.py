"""Comparing an answer with the one that a document prints: the same keys, the same types."""

import re
from collections.abc import Collection
from typing import Any

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")
PRINTED_ID = re.compile(r"(mem|ns|tenant)_\w+\.\.\.")
ID = re.compile(r"(mem|ns|tenant)_[0-9a-z]{11}")


def same_shape(answer: Any, printed: Any, *, beyond: Collection[str] = (), at: str = "$") -> None:
    """Fails unless `answer` has the shape of `printed`; `beyond` are keys of ours that the document lacks, anywhere.
    An empty printed list or object stands for any."""
    if isinstance(printed, dict):
        assert isinstance(answer, dict), at
        if printed:
            assert set(printed) <= set(answer) <= set(printed) | set(beyond), at
            for key, value in printed.items():
                same_shape(answer[key], value, beyond=beyond, at=f"{at}.{key}")
    elif isinstance(printed, list):
        assert isinstance(answer, list), at
        if printed:
            assert answer, f"{at} is empty"
            for position, item in enumerate(answer):
                same_shape(item, printed[0], beyond=beyond, at=f"{at}[{position}]")
    elif isinstance(printed, float):
        assert isinstance(answer, float | int), at
    elif isinstance(printed, str):
        assert isinstance(answer, str), at
        if TIME.fullmatch(printed):
            assert TIME.fullmatch(answer), f"{at}: {answer}"
        if PRINTED_ID.fullmatch(printed):
            assert ID.fullmatch(answer), f"{at}: {answer}"
            assert answer.partition("_")[0] == printed.partition("_")[0], at
    else:
        assert type(answer) is type(printed), at
