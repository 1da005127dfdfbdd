"""The check itself: it lets an honest store pass and names what is missing, doubled or changed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from inbox_store.embedded import FILE
from inbox_store.errors import Refused
from tests.faults.invariants import check_invariants
from tests.faults.ledger import Line, read
from tests.faults.process import worker
from tests.faults.worker import ledger_of

ROUNDS = 2

GHOST = (
    "insert into document select 99, kind, '无人提交', doc_no, urgency, duty, sensitivity, sender_unit_id, body, elements,"
    " series_id, is_test, digest, created_by, created_at, null, null, null from document limit 1"
)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which a worker has done its rounds in peace."""
    folder = tmp_path_factory.mktemp("done")
    with worker(folder, 5, "--rounds", str(ROUNDS)) as running:
        assert running.wait() == 0, (folder / "stderr").read_text("utf-8")
    return folder


def copied(done: Path, folder: Path, *statements: str) -> Path:
    """A copy of the store, changed behind its back."""
    with closing(sqlite3.connect(done / FILE)) as origin, closing(sqlite3.connect(folder / FILE)) as copy:
        origin.backup(copy)
        for statement in statements:
            assert copy.execute(statement).rowcount > 0, statement
        copy.commit()
    return folder


def test_an_honest_store_passes(done: Path, tmp_path: Path) -> None:
    """Everything acknowledged is there."""
    lines = read(ledger_of(done))
    assert {line["fact"] for line in lines} >= {"submitted", "sent", "signed", "head", "refused"}
    check_invariants(copied(done, tmp_path), lines)


@pytest.mark.parametrize(
    "invented",
    [
        {"fact": "submitted", "key": "9-9", "units": ["U1"], "document_id": 99, "dispatch_id": 99},
        {"fact": "sent", "dispatch_id": 99},
        {"fact": "opened", "document_id": 99, "person": "u1-a"},
        {"fact": "recalled", "document_id": 99},
        {"fact": "head", "commit_no": 3, "link": "00" * 32},
        {"fact": "head", "commit_no": 9999, "link": "00" * 32},
    ],
)
def test_what_was_acknowledged_and_is_not_there_is_named(done: Path, tmp_path: Path, invented: Line) -> None:
    """A fact that the store has not is a fault."""
    with pytest.raises((AssertionError, Refused)):
        check_invariants(copied(done, tmp_path), [*read(ledger_of(done)), invented])


@pytest.mark.parametrize(
    "statement",
    [
        "delete from inbox_hot where rowid_of = 1",
        "delete from hot_send",
        "update tally set n = n + 1 where outcome = 'sent'",
        "update tally_quarter set n = n + 1 where outcome = 'sent'",
        "update distribution set state = 'unsigned' where signed_at is not null",
        "insert into inbox select person_id, send_no, commit_no, folder, state, null, null, null from inbox_hot limit 1",
        GHOST,
        "update inbox_count set total = total + 1",
    ],
)
def test_what_does_not_agree_is_named(done: Path, tmp_path: Path, statement: str) -> None:
    """An entry lost or doubled, a ghost, a state moved back, a tally or a count that is off: each is a fault."""
    told = statement.replace(
        "rowid_of = 1",
        "(send_no, person_id) in (select send_no, person_id from inbox_hot where folder <> 'outgoing' limit 1)",
    )
    with pytest.raises(AssertionError):
        check_invariants(copied(done, tmp_path, told), read(ledger_of(done)))
