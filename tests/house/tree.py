"""The repository as the rules of the house see it: its files, their syntax trees, and who imports whom."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("gateway", "push", "realtime", "sms_billing", "inbox_store", "config")
NOT_OURS = {".git", ".venv", "node_modules", "build", "dist", "songda-data", "demo-data", "results"}
TEXT = {
    ".py",
    ".sql",
    ".md",
    ".toml",
    ".txt",
    ".yaml",
    ".yml",
    ".json",
    ".html",
    ".js",
    ".ts",
    ".vue",
    ".css",
    ".sh",
}
CODE = {".py", ".sql", ".js", ".ts", ".vue", ".css", ".sh"}


def _is_ours(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    hidden = any(part.startswith(".") and part != ".ci" for part in parts[:-1])
    return (
        not hidden
        and not NOT_OURS.intersection(parts)
        and not any(part.endswith(".egg-info") for part in parts)
    )


@cache
def texts() -> tuple[Path, ...]:
    """Every file somebody wrote, prose and code."""
    plain = {"Makefile", "LICENSE", ".gitignore", "run", "find-python"}
    found = (path for path in ROOT.rglob("*") if path.suffix in TEXT or path.name in plain)
    return tuple(sorted(path for path in found if _is_ours(path) and path.is_file()))


def name_of(path: Path) -> str:
    """The path as a reader of the repository writes it."""
    return path.relative_to(ROOT).as_posix()


def modules(*rooms: str) -> list[Path]:
    """The Python files of the given top-level folders; of all rooms when none is given."""
    return [
        path for path in texts() if path.suffix == ".py" and name_of(path).split("/")[0] in (rooms or ROOMS)
    ]


def dotted(path: Path) -> str:
    """The module's name as it is imported."""
    return name_of(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@cache
def tree_of(path: Path) -> ast.Module:
    """The syntax tree of one file."""
    return ast.parse(path.read_text(encoding="utf-8"), name_of(path))


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """Each module a file imports, with the line; `from a import b` gives `a.b` where that is a module of ours."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = _origin(path, node)
            yield from ((node.lineno, _member(origin, alias.name)) for alias in node.names)


def _origin(path: Path, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = dotted(path).split(".")
    package = parts if path.name == "__init__.py" else parts[:-1]
    return ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])


def _member(origin: str, name: str) -> str:
    inner = ROOT / origin.replace(".", "/") / name
    return f"{origin}.{name}" if inner.is_dir() or inner.with_suffix(".py").is_file() else origin
