"""Who is told of a document beyond the inbox: the alert of a dispatch, and its orders for messages and devices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from msgspec.structs import replace

from inbox_store.engine import Program, Sql
from inbox_store.messages import NewAlert
from inbox_store.nouns import Noun
from inbox_store.programs import mail, pushes, sms

ARRIVAL: Final = "arrival"
"""The kind of the alert that tells of a dispatch."""


class Due(Noun, frozen=True, kw_only=True):
    """Deadlines of one chunk of copies (UTC microseconds); provisional where the year's holidays are not yet known.

    ``alert`` tells people of it: at once by message where the sender asked for one, to devices where there are any, and
    by message at ``sms_due_at`` to those who have not opened it.
    """

    sign_due_at: int | None
    handle_due_at: int | None
    provisional: bool = False
    alert: Callable[[], NewAlert] | None = None
    """Makes it; asked for once a dispatch, and only where somebody is to be told."""
    devices: bool = False
    online: frozenset[int] = frozenset()
    """Who has a live client now: devices of theirs are alerted only after ``grace_us``, if the entry was not taken by then."""
    grace_us: int = 0
    sms_due_at: int | None = None
    mail_due_at: int | None = None
    """When people with an address get a mail; None where no mail leaves."""
    mail_digest: bool = False

    def alerts(self, *, sms_reminder: bool) -> bool:
        """Whether anybody is to be told beyond the inbox."""
        later = self.sms_due_at is not None or self.mail_due_at is not None
        return self.alert is not None and (sms_reminder or self.devices or later)


class Announced(Noun, frozen=True, kw_only=True):
    """What of a dispatch its alert needs."""

    dispatch_id: int
    document_id: int
    submitted_by: int
    sms_reminder: bool


def announce(
    of: Announced, due: Due, make: Callable[[], NewAlert], window: Mapping[str, int], now: int
) -> Program[None]:
    """The alerts to the people of this chunk's units, in its transaction: nobody is missed, nobody is told twice."""
    found = yield Sql("alert_of_dispatch", {"dispatch_id": of.dispatch_id, "kind": ARRIVAL, "round": 0})
    if found:
        alert_id = int(found[0][0])
    else:
        alert = replace(make(), dispatch_id=of.dispatch_id, document_id=of.document_id)
        alert_id = yield from sms.add_alert(alert, of.submitted_by, now)
    if of.sms_reminder:
        yield from sms.order_chunk(alert_id, window, now)
    elif due.sms_due_at is not None:
        yield from sms.order_chunk(alert_id, window, due.sms_due_at, until_opened=True)
    if due.mail_due_at is not None:
        yield from mail.order_chunk(alert_id, window, due.mail_due_at, digest=due.mail_digest)
    if due.devices:
        yield from pushes.order_chunk(alert_id, window, due.online, due.grace_us, now)
