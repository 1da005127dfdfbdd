"""SQL lives in files: every name that code asks for is there, and every statement there is asked for."""

from __future__ import annotations

import ast
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from inbox_store.statements import migrations, parse, statements
from tests.house.tree import modules, name_of, tree_of

USERS = ("inbox_store", "gateway", "push", "realtime", "sms_billing")
ASKING = {"Sql", "Many"}


def names_in(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every statement name a file asks for, with its line.

    Either a literal within the first argument of ``Sql`` or ``Many`` (a choice of two counts for both), or, where the
    argument is a variable, any text of that file which is a statement's name.
    """
    literals = {
        (node.lineno, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ASKING:
            yield from _asked(node.args[0], literals)


def _asked(argument: ast.expr, literals: set[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    if isinstance(argument, ast.Name):
        yield from (told for told in literals if told[1] in statements())
    elif isinstance(argument, ast.IfExp):
        yield from _asked(argument.body, literals)
        yield from _asked(argument.orelse, literals)
    elif isinstance(argument, ast.Constant):
        yield argument.lineno, str(argument.value)


def asked_for() -> list[tuple[str, int, str]]:
    """(file, line, statement name) of every use in the rooms."""
    return [(name_of(path), line, name) for path in modules(*USERS) for line, name in names_in(tree_of(path))]


def test_no_name_is_unknown() -> None:
    """Every statement that code asks for exists."""
    assert [told for told in asked_for() if told[2] not in statements()] == []


def test_no_statement_is_left_over() -> None:
    """Every statement is asked for somewhere in the product."""
    used = {name for _, _, name in asked_for()}
    assert sorted(statements().keys() - used) == []


def test_every_statement_is_sound() -> None:
    """SQLite prepares every statement against the schema: no table or column is misspelt, no statement is two."""
    with sqlite3.connect(":memory:") as conn:
        for _, text in migrations():
            conn.executescript(text)
        wrong = {name: fault for name, text in statements().items() if (fault := _fault(conn, text))}
    conn.close()
    assert wrong == {}


class _Anything(dict[str, object]):
    """Any parameter is null."""

    def __missing__(self, key: str) -> None:
        """Null."""


def _fault(conn: sqlite3.Connection, text: str) -> str | None:
    try:
        conn.execute(f"explain {text}", _Anything())
    except (sqlite3.Error, sqlite3.Warning) as fault:
        return str(fault)
    return None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("select 1;\n-- name: a\nselect 2;", "before the first"),
        ("-- name: a\nselect 1;\n-- name: a\nselect 2;", "given twice"),
    ],
)
def test_a_file_with_a_slip_is_refused(text: str, reason: str) -> None:
    """A statement without a name and a name given twice are told with the file."""
    with pytest.raises(ValueError, match=reason) as caught:
        parse(text, "x.sql")
    assert "x.sql" in str(caught.value)


def test_comments_may_stand_before_the_first_name() -> None:
    """Prose at the head of a file is no statement."""
    assert parse("-- What this is.\n\n-- name: a\nselect 1;\n", "x.sql") == {"a": "select 1"}


def test_the_rule_hears_every_way_of_asking(tmp_path: Path) -> None:
    """Literals, choices and loops over names are all heard."""
    source = (
        'yield Sql("position")\n'
        'yield Many("audience_add" if x else "attachment_take", [])\n'
        'for name in ("peaks", "no statement"):\n    yield Sql(name, {})\n'
    )
    assert {name for _, name in names_in(ast.parse(source))} == {
        "position",
        "audience_add",
        "attachment_take",
        "peaks",
    }
