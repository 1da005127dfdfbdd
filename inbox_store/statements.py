"""SQL lives in files: one statement behind each ``-- name:`` line, read once and looked up by name."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

_NAME = re.compile(r"^-- name: *([a-z0-9_]+) *$", re.MULTILINE)


def parse(text: str, where: str) -> dict[str, str]:
    """Statements of one file by name. Raises ValueError for a name given twice or text before the first name."""
    parts = _NAME.split(text)
    if re.sub(r"--[^\n]*", "", parts[0]).strip():
        raise ValueError(f"{where}: a statement stands before the first '-- name:' line")
    found: dict[str, str] = {}
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        if name in found:
            raise ValueError(f"{where}: statement {name!r} is given twice")
        found[name] = body.strip().rstrip(";")
    return found


@cache
def statements(dialect: str = "sqlite") -> dict[str, str]:
    """Every statement of the house for ``dialect``: the neutral files first, then that dialect's own."""
    root = files("inbox_store") / "sql"
    found: dict[str, str] = {}
    for folder in (root, root / dialect):
        for entry in sorted(folder.iterdir(), key=lambda item: item.name) if folder.is_dir() else ():
            if entry.name.endswith(".sql"):
                told = parse(entry.read_text("utf-8"), entry.name)
                twice = found.keys() & told.keys()
                if twice:
                    raise ValueError(f"{entry.name}: statement names already used: {sorted(twice)}")
                found.update(told)
    return found


def migrations() -> list[tuple[str, str]]:
    """The schema's steps as (name, text), in the order in which they are applied."""
    folder = files("inbox_store") / "sql" / "schema"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(name, (folder / name).read_text("utf-8")) for name in names]
