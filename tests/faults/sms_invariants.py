"""What holds for short messages whatever happened: one charge for each accepted segment, money that adds up, no ghosts.

``messages_agree`` needs nothing but the store and holds at any moment, also right after a kill; ``check_invariants`` calls
it. ``settle_doubts`` applies carriers' invoices, and ``match_the_invoices`` compares with them what is charged then:

    I3  what is charged is what the carriers have on their invoices, each segment once; what they do not have is not charged
    I4  sums = lines = statements, every line in one month, paid by a county or by the city
    I7  each (message, segment) was submitted once, but for those recorded as in doubt or returned
"""

from __future__ import annotations

import asyncio
import csv
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from gateway.assembly import Parts, open_offline
from gateway.flows import billing, reconciling
from inbox_store.engine import Row
from inbox_store.programs import ledger, trace
from inbox_store.times import day_at
from tests.faults.callers import rows_in

Rows = Callable[[str], list[tuple[Any, ...]]]

RESTING: Final = (
    "accepted",
    "delivered",
    "failed",
    "unreported",
    "expired",
    "suppressed",
    "cancelled",
    "in_doubt",
)
"""Where an order may be when all is quiet: each but ``accepted``, whose report was lost, is an end."""

NEVER_LEFT: Final = ("down", "circuit_open", "stopping", "unsendable", "left_over", "number")
"""Codes of attempts that our own side gave back or refused: the carrier has not seen them."""

SUBMITS: Final = ("accept", "refuse", "throttle", "silent", "ignore", "drop", "drop_accepted")


class Invoiced(NamedTuple):
    """One line of a carrier's detail file."""

    message_id: str
    number: str
    source: str


class Attempt(NamedTuple):
    """The newest attempt of a segment."""

    order_id: int
    state: str
    report: str | None


def invoices(details: Sequence[Path]) -> list[Invoiced]:
    """All segments that carriers accepted."""
    found: list[Invoiced] = []
    for path in details:
        with path.open(encoding="utf-8", newline="") as file:
            found += [
                Invoiced(row["消息编号"], row["手机号码"], row["接入号"]) for row in csv.DictReader(file)
            ]
    return found


# At any moment -------------------------------------------------------------------------------------------------------


def messages_agree(rows: Rows) -> None:
    """Raise AssertionError unless orders, attempts, charges and the trace tell the same story."""
    _orders_follow_their_attempts(rows)
    _accepted_is_charged_once(rows)
    _money_is_somebodys(rows)
    _doubts_are_listed(rows)


def _orders_follow_their_attempts(rows: Rows) -> None:
    """I6: an order stands where the newest attempts of its segments put it."""
    query = (
        "select a.order_id, a.state, a.report from sms_attempt a where a.id ="
        " (select max(b.id) from sms_attempt b where b.order_id = a.order_id and b.segment_no = a.segment_no)"
    )
    by_order: dict[int, list[Attempt]] = {}
    for one in (Attempt(*row) for row in rows(query)):
        by_order.setdefault(one.order_id, []).append(one)
    for order_id, state in rows("select id, state from sms_order"):
        attempts = by_order.get(order_id, [])
        assert state in set(_possible(attempts)), (order_id, state, attempts)


def _possible(attempts: Sequence[Attempt]) -> Iterator[str]:
    """The states that these attempts allow."""
    states = {one.state for one in attempts}
    reports = {one.report for one in attempts}
    never_again = ("waiting", "expired", "suppressed", "cancelled", "failed")
    if "sending" in states:
        yield "sending"
    elif not attempts:
        yield from never_again
    elif "refused" in states or "failed" in reports:
        yield "failed"
    elif "in_doubt" in states:
        yield "in_doubt"
    elif "returned" in states:
        yield from never_again
    elif reports == {"delivered"}:
        yield "delivered"
    else:
        yield "unreported" if "unreported" in reports else "accepted"


def _accepted_is_charged_once(rows: Rows) -> None:
    """I3: one line for each accepted attempt, none for any other (8)."""
    accepted = rows(
        "select o.alert_id, o.person_id, a.segment_no, a.acceptance_no, coalesce(a.message_id, ''), a.channel"
        " from sms_attempt a join sms_order o on o.id = a.order_id where a.state = 'accepted'"
    )
    lines = rows(
        "select alert_id, person_id, segment_no, acceptance_no, message_id, channel from charge_line"
        " where segments > 0 and of_commit is null"
    )
    assert Counter(lines) == Counter(accepted)
    assert max(Counter(accepted).values(), default=1) == 1


def _money_is_somebodys(rows: Rows) -> None:
    """I4: a line is in the month it was accepted in, and a county or the city pays."""
    payers = {row[0] for row in rows("select id from region where level in ('city', 'county')")}
    for payer, month, at, kind, segments, price, amount in rows(
        "select payer_id, month, accepted_at, kind, segments, price_li, amount_li from charge_line"
    ):
        assert payer in payers, payer
        assert amount == segments * price
        assert kind == "adjustment" or month == day_at(at) // 100


def _doubts_are_listed(rows: Rows) -> None:
    """What a dead process left without an outcome is told in the trace, each attempt of it."""
    told = listed_in_doubt(rows)
    ((silent,),) = rows("select count(*) from sms_attempt where state = 'in_doubt' and code is null")
    assert silent <= told, (silent, told)


def listed_in_doubt(rows: Rows) -> int:
    """The attempts that starts after a crash have told of."""
    ((told,),) = rows(
        "select coalesce(sum(detail ->> 'attempts'), 0) from audit where action = 'sms.in_doubt'"
    )
    return int(told)


async def money_adds_up(parts: Parts) -> None:
    """I4, I9: sums = lines = statements, and the chain over all of it holds."""
    house, read = parts.house, parts.store.engine.read
    assert await read(ledger.inconsistencies()) == []
    assert (await read(trace.verify())).faults == ()
    rows: list[Row] = rows_in(
        house.settings.data_folder,
        "select month, sum(amount_li), sum(segments) from charge_line group by month",
    )
    for month, amount, segments in rows:
        told = (await billing.bills(house, (month,))).statements
        assert sum(one.whole.amount_li for one in told) == amount
        assert sum(one.whole.segments for one in told) == segments


# Against the carriers' invoices --------------------------------------------------------------------------------------


async def settle_doubts(parts: Parts, details: Sequence[Path]) -> int:
    """Reconcile with every invoice, as an office does after each month; returns how many attempts were settled."""
    settled = 0
    for path in details:
        if len(invoices([path])) == 0:
            continue
        told = await reconciling.reconcile_file(parts.house, reconciling.Wanted(file=path), _quietly)
        settled += await reconciling.settle_found(parts.house, told, path.name, "tests", _quietly)
    return settled


def _quietly(_what: str, _done: int, _of: int) -> None:
    return


def match_the_invoices(rows: Rows, details: Sequence[Path], numbers: dict[str, int], digits: int) -> None:
    """I3 and I2 against the invoices; ``numbers`` are those of people by id, ``digits`` those of the extension."""
    found = invoices(details)
    charged = Counter(row[0] for row in rows("select message_id from charge_line where segments > 0"))
    invoiced = Counter(one.message_id for one in found)
    assert max(invoiced.values(), default=1) == 1
    assert charged == invoiced, (len(charged - invoiced), len(invoiced - charged))
    orders = {
        (person, alert % 10**digits): segments
        for person, alert, segments in rows("select person_id, alert_id, segments from sms_order")
    }
    taken = Counter((numbers[one.number[-11:]], int(one.source[-digits:])) for one in found)
    for key, segments in taken.items():
        assert segments <= orders[key], (key, segments)


def match_the_submits(rows: Rows, counts: Counter[str]) -> None:
    """I7: what carriers saw is what was answered, and some of what is in doubt: nothing was sent a second time."""
    submits = sum(counts[name] for name in SUBMITS)
    codes = rows("select code from sms_attempt where state in ('accepted', 'refused', 'returned')")
    answered = sum(1 for (code,) in codes if code not in NEVER_LEFT)
    ((doubtful,),) = rows("select count(*) from sms_attempt where state = 'in_doubt'")
    assert answered <= submits <= answered + doubtful, (answered, submits, doubtful)
    ((again,),) = rows(
        "select count(*) from sms_attempt b join sms_attempt a on a.order_id = b.order_id"
        " and a.segment_no = b.segment_no and a.id < b.id where a.state <> 'returned'"
    )
    assert again == 0, "a segment was sent again whose first sending was not given back"


def check_messages(folder: Path, details: Sequence[Path], numbers: dict[str, int], digits: int) -> int:
    """All of it, after the quiet period; returns how many attempts were settled by the invoices."""

    def rows(query: str) -> list[tuple[Any, ...]]:
        return rows_in(folder, query)

    async def settled() -> int:
        async with open_offline(folder) as parts:
            count = await settle_doubts(parts, details)
            assert await settle_doubts(parts, details) == 0, "nothing is settled twice"
            await money_adds_up(parts)
        return count

    messages_agree(rows)
    states = dict(rows("select state, count(*) from sms_order group by state"))
    assert set(states) <= set(RESTING), states
    count = asyncio.run(settled())
    messages_agree(rows)
    match_the_invoices(rows, details, numbers, digits)
    return count
