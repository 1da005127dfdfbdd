"""Facts of mail going out: orders of an alert, what may leave, what the relay answered, what was reported.

An attempt is committed before its mail leaves. What has no answer after the content went out is in doubt; sent again it
is the same mail with the same Message-ID, which a mailbox can tell from a second one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from inbox_store.engine import Audit, Program, Sql
from inbox_store.mails import DecideMail, MailAnswered, MailFacts, MailLeaving, MailReported
from inbox_store.messages import Stop, Wait

PRIORITIES: Final = 4
"""0 extra urgent, 1 urgent, 2 ordinary, 3 drills, as of short messages."""

LOOKED_MAX: Final = 500
"""Orders looked at in one claim where none of them may leave."""

DIGEST_MAX: Final = 50
"""Alerts in one mail; what is more comes with the next."""

PERMANENT_FAILURES: Final = 3
"""So many permanent failures in a row mark an address bad, as a number (F19)."""


# Orders -------------------------------------------------------------------------------------------------------------


def order(
    alert_id: int,
    people: Sequence[tuple[int, int]],
    now: int,
    *,
    due_at: int | None = None,
    digest: bool = False,
) -> Program[int]:
    """Orders of an alert for (person, unit through which they are addressed): one each. Returns how many are new."""
    told = {"alert_id": alert_id, "due_at": now if due_at is None else due_at, "digest": int(digest)}
    added = 0
    for person_id, unit_id in people:
        ((new,),) = yield Sql("mail_order_add", {**told, "person_id": person_id, "unit_id": unit_id})
        added += int(new)
    return added


def order_chunk(
    alert_id: int, window: Mapping[str, int], due_at: int, *, digest: bool = False
) -> Program[int]:
    """Orders for the addressed people of a chunk of units (``after`` < unit <= ``to``) who have an address."""
    told = {**window, "alert_id": alert_id, "due_at": due_at, "digest": int(digest)}
    ((added,),) = yield Sql("mail_order_chunk", told)
    return int(added)


def waiting(now: int) -> Program[bool]:
    """Whether anything is due."""
    ((found,),) = yield Sql("mail_waiting", {"now": now})
    return bool(found)


# What leaves --------------------------------------------------------------------------------------------------------


def claim(free: int, decide: DecideMail, now: int) -> Program[list[MailLeaving]]:
    """Take up to ``free`` mails, the urgent first; the attempts are kept before anything leaves.

    Everything that decides is looked at here: what was taken back or expired meanwhile never leaves.
    """
    leaving: list[MailLeaving] = []
    ((next_id,),) = yield Sql("mail_attempt_next")
    taken: set[int] = set()
    looked = 0
    while not leaving and looked < LOOKED_MAX and (due := (yield from _due(free, now))):
        looked += len(due)
        for facts in due:
            if facts.order_id in taken or (yield from _held(facts, decide, now)):
                continue
            group = (facts, *((yield from _digest(facts, decide, now)) if facts.digest else ()))
            taken.update(one.order_id for one in group)
            leaving.append((yield from _leave(int(next_id) + len(leaving), group, now)))
    return leaving


def _due(limit: int, now: int) -> Program[list[MailFacts]]:
    found: list[MailFacts] = []
    for priority in range(PRIORITIES):
        if len(found) < limit:
            told = {"priority": priority, "now": now, "limit": limit - len(found)}
            found += [MailFacts(*row) for row in (yield Sql("mail_due", told))]
    return found


def _held(facts: MailFacts, decide: DecideMail, now: int) -> Program[bool]:
    decision = decide(facts)
    if isinstance(decision, Wait):
        told = {"id": facts.order_id, "due_at": decision.until, "reason": decision.reason}
        yield Sql("mail_order_wait", told)
    elif isinstance(decision, Stop):
        stop = {"id": facts.order_id, "state": decision.state, "reason": decision.reason, "now": now}
        yield Sql("mail_order_stop", stop)
    return decision is not None


def _digest(first: MailFacts, decide: DecideMail, now: int) -> Program[list[MailFacts]]:
    """The person's other alerts that leave with the first one; a window that has begun is over for all of them."""
    told = {"person_id": first.person_id, "id": first.order_id, "limit": DIGEST_MAX - 1}
    found: list[MailFacts] = []
    for row in (yield Sql("mail_digest", told)):
        facts = MailFacts(*row)
        if not (yield from _held(facts, decide, now)):
            found.append(facts)
    return found


def _leave(attempt_id: int, group: tuple[MailFacts, ...], now: int) -> Program[MailLeaving]:
    mark = yield from _mark(attempt_id, group)
    row = {"id": attempt_id, "mark": mark, "person_id": group[0].person_id, "now": now}
    yield Sql("mail_attempt_add", row)
    for facts in group:
        yield Sql("mail_order_sending", {"id": facts.order_id, "mail_id": attempt_id})
    return MailLeaving(attempt_id=attempt_id, mark=mark, facts=group)


def _mark(attempt_id: int, group: tuple[MailFacts, ...]) -> Program[int]:
    """The mark of the attempt before where exactly the same alerts leave again, else a new one."""
    before = {facts.mail_id for facts in group}
    last = before.pop()
    if last is None or before:
        return attempt_id
    ((orders,),) = yield Sql("mail_attempt_orders", {"id": last})
    if orders != len(group):
        return attempt_id
    ((mark,),) = yield Sql("mail_attempt_mark", {"id": last})
    return int(mark)


# What came back -----------------------------------------------------------------------------------------------------

_STATES: Final = {"accepted": "accepted", "refused": "failed", "returned": "failed", "in_doubt": "in_doubt"}


def settle(answers: Sequence[MailAnswered]) -> Program[None]:
    """Keep what the relay answered and move the orders on; what may be tried again waits for its time."""
    for one in answers:
        told = {"attempt_id": one.attempt_id, "outcome": one.outcome, "code": one.code, "at": one.at}
        ((known,),) = yield Sql("mail_answer", told)
        if not known:
            continue
        again = one.again_at > 0 and one.outcome in ("returned", "in_doubt")
        state = "waiting" if again else _STATES[one.outcome]
        step = {"attempt_id": one.attempt_id, "state": state, "reason": one.code or None}
        yield Sql("mail_orders_step", {**step, "again_at": one.again_at, "now": one.at})
        if one.dead:
            yield from _address_failed(one.person_id, one.code, one.at)


def _address_failed(person_id: int, status: str, now: int) -> Program[None]:
    told = {"person_id": person_id, "status": status, "now": now, "bad_from": PERMANENT_FAILURES}
    yield Sql("mail_address_failed", told)


def in_doubt(now: int, again_at: int = 0, tries_max: int = 0) -> Program[list[int]]:
    """At a start: what a dead process had handed over and got no answer for. Returns the attempts.

    With ``again_at`` what was tried less than ``tries_max`` times leaves again then, as the same mail.
    """
    lost = [int(row[0]) for row in (yield Sql("mail_lost", {"now": now}))]
    for attempt_id in lost:
        yield Sql(
            "mail_orders_lost", {"attempt_id": attempt_id, "again_at": again_at, "tries_max": tries_max}
        )
    if lost:
        yield Audit(action="mail.in_doubt", actor=0, subject="mail:0", detail={"attempts": len(lost)})
    return lost


def report(told: MailReported) -> Program[bool]:
    """Apply a delivery status; returns whether it was news. What is final stays, a delay gives way to an end (I6)."""
    row = {"mark": told.mark, "report": told.report, "status": told.status, "now": told.at}
    found = yield Sql("mail_report", row)
    if not found:
        return False
    attempt_id, person_id, _ = found[0]
    if told.report == "delayed":
        return True
    state = "delivered" if told.report == "delivered" else "failed"
    reason = None if state == "delivered" else told.status
    yield Sql(
        "mail_report_step", {"attempt_id": attempt_id, "state": state, "reason": reason, "now": told.at}
    )
    if told.report == "delivered":
        yield Sql("mail_address_reached", {"person_id": person_id})
    elif told.permanent:
        yield from _address_failed(int(person_id), told.status, told.at)
    return True


def expire(now: int, limit: int) -> Program[int]:
    """What nobody took in time. Returns how many."""
    return len((yield Sql("mail_expire", {"now": now, "limit": limit})))


def backlog() -> Program[dict[str, int]]:
    """Orders by state."""
    return {row[0]: row[1] for row in (yield Sql("mail_backlog"))}
