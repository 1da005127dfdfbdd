"""Runs programs on one sqlite3 connection, in its own thread: many facts, one transaction, one link of the chain."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from inbox_store.chain import EMPTY, AuditRow, Link, canonical, leaf_hash, merkle_root
from inbox_store.engine import (
    Arrived,
    Audit,
    Changed,
    Charge,
    CommitNo,
    Many,
    Nudge,
    OrgChanged,
    Program,
    Receipt,
    Row,
    Sql,
    Step,
    Told,
)
from inbox_store.errors import StoreBroken, StoreFull
from inbox_store.failpoints import failpoint
from inbox_store.keys import ReceiptKey
from inbox_store.ledger import COLUMNS
from inbox_store.times import Clock

T = TypeVar("T")

_LOST = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_READONLY)

_TOUCHED = (
    "select exists (select 1 from send_commit where commit_no > ?)"
    " or exists (select 1 from entry_change where commit_no > ?)"
)
_INSERT_AUDIT = "insert into audit (commit_no, no, at, actor, action, subject, origin, detail, digest) values (?,?,?,?,?,?,?,?,?)"
_INSERT_RECEIPT = "insert into sign_receipt (document_id, unit_id, commit_no, no, leaf) values (?,?,?,?,?)"
_INSERT_LINK = (
    "insert into commit_log (commit_no, at, audit_root, audit_rows, receipt_root, receipts, receipt_key, signature, link,"
    " charge_root, charges) values (?,?,?,?,?,?,?,?,?,?,?)"
)
_INSERT_CHARGE = (
    f"insert into charge_line (commit_no, no, {', '.join(COLUMNS)}, digest)"  # noqa: S608 - our own column names
    f" values ({','.join('?' * (len(COLUMNS) + 3))})"
)


def store_fault(fault: sqlite3.Error) -> Exception:
    """What a driver's error means for the one who waits: full, broken, or itself (a bug or a constraint)."""
    code = getattr(fault, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return StoreFull("存储空间不足 (no space left for the database)")
    if code in _LOST:
        return StoreBroken(f"数据库不可写 (the database failed: {fault})")
    return fault


Mark = tuple[tuple[int, ...], bool, bool]


@dataclass(slots=True)
class Sealing:
    """What one transaction has gathered for its commit: leaf hashes of trace and receipts, and the nudge."""

    commit_no: int
    now: int
    audits: list[bytes] = field(default_factory=list)
    receipts: list[bytes] = field(default_factory=list)
    charges: list[bytes] = field(default_factory=list)
    arrived: list[int] = field(default_factory=list)
    changed: list[tuple[int, int]] = field(default_factory=list)
    told: list[tuple[int, int]] = field(default_factory=list)
    org: bool = False
    used: bool = False
    foreign: bool = False

    def mark(self) -> Mark:
        """Where the gathering stands, to return to when a program fails."""
        gathered = (self.audits, self.receipts, self.charges, self.arrived, self.changed, self.told)
        return tuple(len(one) for one in gathered), self.org, self.used

    def back_to(self, mark: Mark) -> None:
        """Forget what was gathered since ``mark``."""
        (audits, receipts, charges, arrived, changed, told), self.org, self.used = mark
        del self.audits[audits:], self.receipts[receipts:], self.charges[charges:]
        del self.arrived[arrived:], self.changed[changed:], self.told[told:]

    def nudge(self) -> Nudge:
        """What those who wait are told after the commit."""
        return Nudge(
            self.commit_no,
            tuple(dict.fromkeys(self.arrived)),
            tuple(dict.fromkeys(self.changed)),
            tuple(self.told),
            org=self.org,
            foreign=self.foreign,
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """One program's result or the exception that undid it."""

    value: Any = None
    fault: BaseException | None = None


class Runner:
    """The writer's thread side. Not thread-safe by design: one runner, one thread, one connection."""

    def __init__(self, sql: dict[str, str], clock: Clock, receipt_key: ReceiptKey) -> None:
        self._sql = sql
        self._clock = clock
        self._receipt_key = receipt_key
        self.commit_no = 0
        self._head = EMPTY
        self._moved = self._foreign = False
        self._steps: dict[type, Callable[[sqlite3.Connection, Sealing, Any], list[Row]]] = {
            Sql: self._on_sql,
            Many: self._on_many,
            Audit: self._on_audit,
            Receipt: self._on_receipt,
            Charge: self._on_charge,
            Changed: self._on_changed,
            Arrived: self._on_arrived,
            Told: self._on_told,
            CommitNo: self._on_commit_no,
            OrgChanged: self._on_org,
        }

    def begin_from(self, conn: sqlite3.Connection) -> tuple[bool, bool]:
        """Take up the chain where the file ends.

        Returns whether another process has continued it meanwhile, and whether inboxes were touched by that.
        """
        before = self.commit_no
        row = conn.execute(
            "select commit_no, link from commit_log order by commit_no desc limit 1"
        ).fetchone()
        self.commit_no, self._head = row or (0, EMPTY)
        if self.commit_no == before:
            return False, False
        return True, bool(conn.execute(_TOUCHED, (before, before)).fetchone()[0])

    def run(
        self, conn: sqlite3.Connection, programs: Sequence[Program[Any]]
    ) -> tuple[list[Outcome], Nudge | None]:
        """Run the programs as one transaction; each that fails is undone alone. Raises when nothing could commit."""
        try:
            conn.execute("begin immediate")
            # A tool at the machine may have committed since: under the write lock the end of the chain is certain.
            moved, touched = self.begin_from(conn)
            # Kept until a commit of our own tells it: a failed transaction must not swallow the news.
            self._moved, self._foreign = moved or self._moved, touched or self._foreign
            sealing = Sealing(self.commit_no + 1, self._clock(), org=self._moved, foreign=self._foreign)
            outcomes = [self._one(conn, sealing, program) for program in programs]
            head = self._seal(conn, sealing) if sealing.used else None
            failpoint("before_commit")
            conn.execute("commit")
            failpoint("after_commit")
            if sealing.arrived:
                failpoint("after_chunk")
        except BaseException as fault:
            if conn.in_transaction:
                conn.execute("rollback")
            if isinstance(fault, sqlite3.Error):
                raise store_fault(fault) from fault
            raise
        self._moved = self._foreign = False
        if head is None:
            return outcomes, Nudge(self.commit_no, org=sealing.org, foreign=sealing.foreign)
        self.commit_no, self._head = sealing.commit_no, head
        return outcomes, sealing.nudge()

    def _one(self, conn: sqlite3.Connection, sealing: Sealing, program: Program[Any]) -> Outcome:
        """One program inside a savepoint, so that its refusal undoes nothing of its neighbours."""
        mark = sealing.mark()
        conn.execute("savepoint fact")
        try:
            value = self._drive(conn, sealing, program)
        except sqlite3.Error as fault:
            program.close()
            told = store_fault(fault)
            # A full or failing disk may have rolled back the whole transaction: none of it may be acknowledged.
            if isinstance(told, (StoreFull, StoreBroken)) or not conn.in_transaction:
                raise
            self._undo(conn, sealing, mark)
            return Outcome(fault=told)
        except BaseException as fault:  # noqa: BLE001 - whatever a program raises is its caller's to hear
            self._undo(conn, sealing, mark)
            return Outcome(fault=fault)
        conn.execute("release fact")
        return Outcome(value)

    def _undo(self, conn: sqlite3.Connection, sealing: Sealing, mark: Mark) -> None:
        conn.execute("rollback to fact")
        conn.execute("release fact")
        sealing.back_to(mark)

    def _drive(self, conn: sqlite3.Connection, sealing: Sealing, program: Program[T]) -> T:
        steps = self._steps
        try:
            step: Step = next(program)
            while True:
                step = program.send(steps[type(step)](conn, sealing, step))
        except StopIteration as done:
            value: T = done.value
            return value

    def _on_sql(self, conn: sqlite3.Connection, _sealing: Sealing, step: Sql) -> list[Row]:
        cursor = conn.execute(self._sql[step.name], step.params)
        return cursor.fetchall() if cursor.description else [(cursor.rowcount,)]

    def _on_many(self, conn: sqlite3.Connection, _sealing: Sealing, step: Many) -> list[Row]:
        return [(conn.executemany(self._sql[step.name], step.rows).rowcount,)]

    def _on_audit(self, conn: sqlite3.Connection, sealing: Sealing, step: Audit) -> list[Row]:
        """Written inside the program's savepoint: what cannot be written is its own fault, not its neighbours'."""
        row = AuditRow(
            commit_no=sealing.commit_no,
            no=len(sealing.audits),
            at=sealing.now,
            actor=step.actor,
            action=step.action,
            subject=step.subject,
            origin=step.origin,
            detail=canonical(step.detail).decode(),
        )
        digest = row.digest()
        conn.execute(_INSERT_AUDIT, (*msgspec.structs.astuple(row), digest))
        sealing.audits.append(digest)
        sealing.used = True
        return []

    def _on_receipt(self, conn: sqlite3.Connection, sealing: Sealing, step: Receipt) -> list[Row]:
        place = (sealing.commit_no, len(sealing.receipts))
        conn.execute(_INSERT_RECEIPT, (step.document_id, step.unit_id, *place, step.leaf))
        sealing.receipts.append(leaf_hash(step.leaf))
        sealing.used = True
        return []

    def _on_charge(self, conn: sqlite3.Connection, sealing: Sealing, step: Charge) -> list[Row]:
        line, place = step.line, (sealing.commit_no, len(sealing.charges))
        digest = line.digest(*place)
        conn.execute(_INSERT_CHARGE, (*place, *msgspec.structs.astuple(line), digest))
        sealing.charges.append(digest)
        sealing.used = True
        return []

    def _on_changed(self, _conn: sqlite3.Connection, sealing: Sealing, step: Changed) -> list[Row]:
        sealing.changed.append((step.person_id, step.send_no))
        sealing.used = True
        return []

    def _on_arrived(self, _conn: sqlite3.Connection, sealing: Sealing, step: Arrived) -> list[Row]:
        sealing.arrived.append(step.send_no)
        sealing.used = True
        return []

    def _on_told(self, _conn: sqlite3.Connection, sealing: Sealing, step: Told) -> list[Row]:
        sealing.told.append((step.person_id, step.notice_id))
        sealing.used = True
        return []

    def _on_commit_no(self, _conn: sqlite3.Connection, sealing: Sealing, _step: CommitNo) -> list[Row]:
        sealing.used = True
        return [(sealing.commit_no,)]

    def _on_org(self, conn: sqlite3.Connection, sealing: Sealing, _step: OrgChanged) -> list[Row]:
        sealing.org = sealing.used = True
        conn.execute("update org_version set version = ?", (sealing.commit_no,))
        return []

    def _seal(self, conn: sqlite3.Connection, sealing: Sealing) -> bytes:
        """Write the commit's changes and its link over trace and receipts; return the chain's new head."""
        number = sealing.commit_no
        changes = dict.fromkeys(sealing.changed)
        conn.executemany(
            "insert into entry_change (person_id, commit_no, send_no) values (?,?,?)",
            [(person, number, send) for person, send in changes],
        )
        conn.executemany(
            "insert into send_commit (commit_no, send_no) values (?,?)",
            [(number, send) for send in dict.fromkeys(sealing.arrived)],
        )
        link = Link(
            commit_no=number,
            at=sealing.now,
            audit_root=merkle_root(sealing.audits),
            audit_rows=len(sealing.audits),
            receipt_root=merkle_root(sealing.receipts) if sealing.receipts else None,
            receipts=len(sealing.receipts),
            charge_root=merkle_root(sealing.charges) if sealing.charges else None,
            charges=len(sealing.charges),
        )
        signed = (
            (self._receipt_key.key_id, self._receipt_key.sign(link.signed_part()))
            if sealing.receipts
            else (None, None)
        )
        head = link.head(self._head)
        conn.execute(
            _INSERT_LINK,
            (
                number,
                link.at,
                link.audit_root,
                link.audit_rows,
                link.receipt_root,
                link.receipts,
                *signed,
                head,
                link.charge_root,
                link.charges,
            ),
        )
        return head


def run_read(conn: sqlite3.Connection, sql: dict[str, str], program: Program[T]) -> T:
    """Run a program of queries over one snapshot. Raises TypeError for a step that would write."""
    conn.execute("begin")
    try:
        step = next(program)
        while True:
            if not isinstance(step, Sql):
                raise TypeError(f"a reading program may only query, not {type(step).__name__}")
            step = program.send(conn.execute(sql[step.name], step.params).fetchall())
    except StopIteration as done:
        value: T = done.value
        return value
    finally:
        program.close()
        conn.execute("rollback")
