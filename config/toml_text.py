"""TOML as people write it: parsed by the standard library, after what would keep it busy for seconds is refused."""

from __future__ import annotations

import tomllib
from typing import Any, Final

DOTS_MAX: Final = 200
"""Dots in one line: a key of thousands of parts costs the parser gigabytes, and no file of ours has such a line."""


def parse(text: str) -> dict[str, Any]:
    """The table of a TOML text. Raises ValueError (TOMLDecodeError) naming the line, RecursionError for deep nesting."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.count(".") > DOTS_MAX:
            raise tomllib.TOMLDecodeError(f"more than {DOTS_MAX} dots (at line {number}, column 1)")
    return tomllib.loads(text)
