"""Files and functions keep a size one can hold in mind, and nothing is left lying for later."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.house.tree import CODE, ROOMS, modules, name_of, texts, tree_of

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60
REASON = re.compile(r"#\s*long because\b")
# Written in pieces, so that this file does not find itself.
LATER = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X"]) + r")\b")


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def long_functions(path: Path) -> Iterator[str]:
    """Functions above the limit that do not say `# long because ...` at their head."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            head = _lines(path)[max(node.lineno - 2, 0) : node.body[0].lineno]
            if length > FUNCTION_LINES_MAX and not any(REASON.search(line) for line in head):
                yield f"{name_of(path)}:{node.lineno} {node.name}: {length} lines"


def test_no_file_is_longer_than_one_can_read() -> None:
    """Code files stay within the ceiling; what grows past it is split by subject."""
    written = (path for path in texts() if path.suffix in CODE and path.parent.name != "data")
    lengths = {name_of(path): len(_lines(path)) for path in written}
    assert {name: length for name, length in lengths.items() if length > FILE_LINES_MAX} == {}


def test_long_functions_say_why() -> None:
    """A function longer than a screen states the reason at its head."""
    assert [told for path in modules(*ROOMS, "tests", "benchmarks") for told in long_functions(path)] == []


def test_nothing_is_left_for_later() -> None:
    """No marks of unfinished work: what is not done stands in the documents, for the reader who needs it."""
    found = [
        f"{name_of(path)}:{number}"
        for path in texts()
        for number, line in enumerate(_lines(path), 1)
        if LATER.search(line)
    ]
    assert found == []
