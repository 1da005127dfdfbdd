"""A ledger of 6.6 million lines in a store, put there by SQL: what years of sending would leave.

December 2018 has 1,650,000 lines with their orders and attempts, the other months 550,000 each; January 2018 and that of
the next year, too. Whoever is not measured is closed with what a close keeps.
"""

from __future__ import annotations

import asyncio
import csv
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.fanout import fill
from gateway.assembly import open_offline
from inbox_store.embedded import FILE
from inbox_store.keys import PhoneVault
from inbox_store.times import iso
from sms_billing.periods import month_span

UNITS: Final = 1_027
PERSONS: Final = 6_000
PER_ALERT: Final = 500
PER_COMMIT: Final = 64
YEAR: Final = tuple(range(201801, 201813))
RECONCILED: Final = 201812
CLOSED_LAST: Final = 201901
SOURCE: Final = "10657333900112"
CHANNEL: Final = "mobile-1"
FIRST_ID: Final = 850_000_000_000_000_000
DOUBT_EVERY: Final = 3_000


class Size(NamedTuple):
    """Lines of an ordinary month, and of the one that is reconciled."""

    month: int
    reconciled: int

    def of(self, month: int) -> int:
        """How many lines a month has."""
        return self.reconciled if month == RECONCILED else self.month


FULL: Final = Size(450_000, 1_650_000)
"""Eleven months and December: 6,600,000 lines."""
CLOSE_LINES: Final = 550_000

_PEOPLE: Final = (
    "create temp table bench_person as select row_number() over (order by p.id) - 1 as k, p.id, min(x.unit_id) as unit_id,"
    " min(c.county_id) as region_id from person p join addressee x on x.person_id = p.id join unit_county c on c.unit_id = x.unit_id"
    " group by p.id limit :persons"
)
_ALERTS: Final = (
    "insert into alert (id, kind, document_id, unit_id, round, text, segments, urgency, priority, expires_at, created_by, created_at)"
    " select :alert + n.value, 'arrival', null, u.unit_id, 0, '【送达】您有1份公文待签收', 1, 'ordinary', 2, :to_at, 0, :from_at"
    " from generate_n n join bench_unit u on u.k = n.value % (select count(*) from bench_unit) where n.value < :alerts"
)
_LINES: Final = (
    "insert into charge_line select :commit_no + n.value / 64, n.value % 64, 'charge', null, null, t.id, 'arrival', 'document', 0,"
    " null, t.unit_id, u.region_id, p.id, p.unit_id, p.region_id, '138****0000', 'mobile-1',"
    " cast(:first_id + n.value * 7919 as text), 1, 1, 1, 50, 50, u.region_id, :from_at + n.value * :step, :month,"
    " 'o2018/county 2018-04-01/1970-01-01', randomblob(32)"
    " from generate_n n join alert t on t.id = :alert + n.value / 500 join bench_unit u on u.unit_id = t.unit_id"
    " join bench_person p on p.k = n.value % :persons where n.value < :lines"
)
_ORDERS: Final = (
    "insert into sms_order (id, alert_id, person_id, unit_id, route, priority, state, due_at, expires_at, segments, tries)"
    " select :order_id + n.value, :alert + n.value / 500, p.id, p.unit_id, 'mobile', 2, 'delivered', :from_at, :to_at, 1, 1"
    " from generate_n n join bench_person p on p.k = n.value % :persons where n.value < :lines"
)
_ATTEMPTS: Final = (
    "insert into sms_attempt (id, order_id, segment_no, acceptance_no, channel, source, state, message_id, sent_at, answered_at, report)"
    " select :order_id + n.value, :order_id + n.value, 1, 1, 'mobile-1', :source, 'accepted',"
    " cast(:first_id + n.value * 7919 as text), :from_at + n.value * :step, :from_at + n.value * :step,"
    " case n.value % 50 when 0 then 'failed' else 'delivered' end from generate_n n where n.value < :lines"
)
_SUM: Final = "insert into charge_sum values (?, ?, ?, ?, ?, 'arrival', 'document', 'charge', 50, ?, ?, ?)"
_OUTCOME: Final = "insert into charge_outcome values (?, ?, ?, 'arrival', 'document', ?, 0, 0, 0, 0, 0, 0, 0)"
_CLOSED: Final = "insert into charge_month values (?, 0, ?, ?, ?, ?, zeroblob(32))"
_NAMES: Final = (
    "insert into charge_label select ?, 'region', id, code, name from region where level in ('city', 'county')"
    " union all select ?, 'unit', id, code, name from unit"
)


async def build(folder: Path, size: Size, close_lines: int) -> PhoneVault:
    """Make the store; all months of 2018 closed, January 2019 to be closed. Returns who can open its numbers."""
    async with open_offline(folder) as parts:
        await fill(parts.store, UNITS, PERSONS)
        phones = parts.store.keys.phones
    await asyncio.to_thread(_fill_ledger, folder, size, close_lines)
    return phones


def _fill_ledger(folder: Path, size: Size, close_lines: int) -> None:
    with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as conn:
        conn.executescript("pragma synchronous=off; pragma journal_mode=wal; pragma cache_size=-262144")
        most = max(*size, close_lines)
        conn.execute(_PEOPLE, {"persons": PERSONS})
        conn.execute("create unique index temp.bench_person_k on bench_person (k)")
        conn.execute(
            "create temp table bench_unit as select row_number() over (order by unit_id) - 1 as k, unit_id,"
            " county_id as region_id from unit_county"
        )
        conn.execute("create unique index temp.bench_unit_id on bench_unit (unit_id)")
        conn.execute("create unique index temp.bench_unit_k on bench_unit (k)")
        conn.execute("create temp table generate_n (value integer primary key)")
        conn.execute(
            "insert into generate_n with recursive n (value) as (select 0 union all select value + 1 from n where value + 1 < ?)"
            " select value from n",
            (most,),
        )
        place = 0
        for month in (*YEAR, CLOSED_LAST):
            lines = close_lines if month == CLOSED_LAST else size.of(month)
            conn.execute("begin")
            _month(conn, month, lines, place)
            conn.execute("commit")
            place += lines
        conn.execute("pragma wal_checkpoint(truncate)").fetchall()
        conn.execute("analyze")


def _month(conn: sqlite3.Connection, month: int, lines: int, place: int) -> None:
    from_at, to_at = month_span(month)
    told: dict[str, int | str] = {
        "month": month,
        "lines": lines,
        "alerts": -(-lines // PER_ALERT),
        "alert": 1 + place // PER_ALERT + month,
        "order_id": 1 + place,
        "commit_no": 1_000_000 + place // PER_COMMIT + month,
        "first_id": FIRST_ID + place * 7919,
        "from_at": from_at,
        "to_at": to_at,
        "step": (to_at - from_at) // lines,
        "persons": PERSONS,
        "source": SOURCE,
    }
    conn.execute(_ALERTS, told)
    conn.execute(_LINES, told)
    if month in (RECONCILED, CLOSED_LAST):
        conn.execute(_ORDERS, told)
        conn.execute(_ATTEMPTS, told)
    _sums(conn, told)


def _sums(conn: sqlite3.Connection, told: dict[str, int | str]) -> None:
    """What the lines come to: an alert reaches its 500 people in turn."""
    regions = [row[0] for row in conn.execute("select region_id from bench_person order by k")]
    cells: Counter[tuple[int, int, int]] = Counter()
    units = dict(conn.execute("select unit_id, region_id from bench_unit"))
    month, lines, alert = int(told["month"]), int(told["lines"]), int(told["alert"])
    alerts = conn.execute(
        "select unit_id from alert where id >= ? order by id limit ?", (alert, told["alerts"])
    )
    for number, (unit_id,) in enumerate(alerts.fetchall()):
        first = number * PER_ALERT
        for n in range(first, min(first + PER_ALERT, lines)):
            cells[unit_id, units[unit_id], regions[n % PERSONS]] += 1
    conn.executemany(
        _SUM,
        ((month, own, unit, own, to, n, n, 50 * n) for (unit, own, to), n in cells.items()),
    )
    if month == CLOSED_LAST:
        return
    outcomes: Counter[tuple[int, int]] = Counter()
    for (unit, own, _), n in cells.items():
        outcomes[own, unit] += n
    conn.execute(_CLOSED, (month, told["to_at"], lines, lines, 50 * lines))
    conn.executemany(_OUTCOME, ((month, own, unit, n) for (own, unit), n in outcomes.items()))
    conn.execute(_NAMES, (month, month))


def written(folder: Path, phones: PhoneVault, path: Path) -> int:
    """The carrier's file of the reconciled month; returns its lines. One line in 3,000 misses, one is of an attempt in doubt."""
    with (
        closing(sqlite3.connect(folder / FILE)) as conn,
        path.open("w", newline="", encoding="gb18030") as out,
    ):
        _doubted(conn)
        lines = csv.writer(out)
        lines.writerow(("消息编号", "手机号码", "接入号", "接收时间", "计费条数", "状态"))
        count = 0
        for row in _detail(conn, phones):
            lines.writerow(row)
            count += 1
    return count


def _doubted(conn: sqlite3.Connection) -> None:
    """Some attempts lose their answer."""
    from_at, to_at = month_span(RECONCILED)
    span = (from_at, to_at, DOUBT_EVERY)
    found = [
        row[0]
        for row in conn.execute(
            "select id from sms_attempt where sent_at >= ? and sent_at < ? and id % ? = 1 and state = 'accepted'",
            span,
        )
    ]
    conn.executemany(
        "update sms_attempt set state = 'in_doubt', report = null, message_id = null where id = ?",
        ((one,) for one in found),
    )
    conn.commit()


def _detail(conn: sqlite3.Connection, phones: PhoneVault) -> Iterator[tuple[str, str, str, str, int, str]]:
    """Lines as the carrier tells them, numbers in clear; in the order of the attempts, as carriers write them."""
    from_at, to_at = month_span(RECONCILED)
    numbers = {
        person: phones.open(sealed, key)
        for person, sealed, key in conn.execute(
            "select id, phone_sealed, phone_key from person where phone_sealed is not null"
        )
    }
    rows = conn.execute(
        "select a.id, a.message_id, o.person_id, a.sent_at, a.report from sms_attempt a join sms_order o on o.id = a.order_id"
        " where a.sent_at >= ? and a.sent_at < ? order by a.id",
        (from_at, to_at),
    )
    for attempt, message_id, person, at, report in rows:
        if attempt % DOUBT_EVERY == 2:
            continue
        told = message_id or f"lost{attempt}"
        moment = iso(at)[:19].replace("T", " ")
        yield told, numbers[person], SOURCE, moment, 1, "UNDELIV" if report == "failed" else "DELIVRD"


def unclosed(folder: Path, month: int = CLOSED_LAST) -> None:
    """Open the month again, as no product can: to close it once more."""
    trigger = "create trigger {0}_no_delete before delete on {0} begin select raise(abort, '{0} is append-only'); end"
    with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as conn:
        for table in ("charge_outcome", "charge_label"):
            conn.execute(f"drop trigger {table}_no_delete")
            conn.execute(f"delete from {table} where month = ?", (month,))  # noqa: S608 - our own names
            conn.execute(trigger.format(table))
        conn.execute("delete from charge_month where month = ?", (month,))
        conn.execute("pragma wal_checkpoint(truncate)").fetchall()
