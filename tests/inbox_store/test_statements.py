"""SQL lives in files: every name that code asks for is there, and every statement there is asked for."""

from __future__ import annotations

import ast
import sqlite3
from collections.abc import Iterator
from contextlib import closing
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


QUICK = (
    "access_standing",
    "audience_chunk",
    "clerks_free",
    "copies_of_person",
    "copy_opened",
    "copy_row",
    "deliver_cold",
    "deliver_given",
    "deliver_hot",
    "dispatch_open",
    "dispatch_others",
    "duties_left",
    "entries_of_sends",
    "entry_clerks_again",
    "entry_cold",
    "entry_hot",
    "idempotency_seen",
    "inbox_counts_cold",
    "org_units_due",
    "posts_now",
    "recall_people",
    "send_floor",
    "sign_look",
    "since_arrived_cold",
    "since_changed",
)
"""Statements of every signature, ack, page and idle look: they may touch what they are about and no more."""


def plan_of(name: str) -> list[str]:
    """The steps in which SQLite would answer."""
    with closing(sqlite3.connect(":memory:")) as conn:
        for _, text in migrations():
            conn.executescript(text)
        return [row[3] for row in conn.execute(f"explain query plan {statements()[name]}", _Anything())]


@pytest.mark.parametrize("name", QUICK)
def test_what_runs_often_reads_no_whole_table(name: str) -> None:
    """The plan of such a statement goes by keys and indexes only, however large the tables grow."""
    plan = plan_of(name)
    # What was materialised from keys is small; it may be read from end to end.
    small = {step.replace("MATERIALIZE", "SCAN") for step in plan if step.startswith("MATERIALIZE ")}
    assert [
        step for step in plan if step.startswith("SCAN ") and "VIRTUAL" not in step and step not in small
    ] == []


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("copies_of_person", "SEARCH v USING PRIMARY KEY (document_id=? AND unit_id=?)"),
        ("entry_cold", "SEARCH c USING PRIMARY KEY (person_id=? AND send_no=?)"),
        ("entry_fan_out_again", "SEARCH c USING PRIMARY KEY (person_id=? AND send_no=?)"),
        ("entry_fan_out_again", "SEARCH h USING PRIMARY KEY (send_no=? AND person_id=?)"),
        ("entry_hot", "SEARCH h USING PRIMARY KEY (send_no=? AND person_id=?)"),
        ("deliver_given", "SEARCH inbox USING PRIMARY KEY (person_id=? AND send_no=?)"),
    ],
)
def test_one_copy_and_one_entry_are_found_by_their_key(name: str, step: str) -> None:
    """A unit's copy and a person's entry are looked up, not looked for among all the unit or the person ever got."""
    assert step in plan_of(name)


@pytest.mark.parametrize(
    "name", ["arrivals_online", "entry_find", "entry_page", "inbox_counts_hot", "since_arrived_hot"]
)
def test_hot_entries_are_probed_one_by_one(name: str) -> None:
    """However many entries are hot, a person's are found by send and person; only the few hot sends are gone through."""
    plan = plan_of(name)
    assert "SEARCH h USING PRIMARY KEY (send_no=? AND person_id=?)" in plan
    assert [step for step in plan if step.startswith(("SCAN h", "SCAN inbox"))] == []


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
