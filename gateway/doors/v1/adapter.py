"""Between the doors and the flows: who acts, what came back, and how the doors themselves refuse a place."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, Protocol, TypeVar

from gateway.doors.call import Call, DoorServices, Encoded
from gateway.doors.call import Idempotency as Key
from gateway.doors.problems import Fault
from gateway.doors.wire import instant
from gateway.flows.access import Access
from gateway.flows.mail_out import MailHouse
from gateway.flows.push_house import PushHouse
from gateway.flows.sms_house import SmsHouse
from gateway.house import Act, House, owner_of
from inbox_store.errors import Refused
from inbox_store.programs.idempotency import Answer, Idempotency
from realtime.server import LiveServer

B = TypeVar("B")
Q = TypeVar("Q")

EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
"""Times outside are typing errors, and far ones cannot be shown in every zone."""


class AppServices(DoorServices, Protocol):
    """What the handlers of v1 see as ``call.services``; the assembly gives it."""

    @property
    def house(self) -> House:
        """What flows work with."""
        ...

    @property
    def access(self) -> Access:
        """Accounts and sessions."""
        ...

    @property
    def live(self) -> LiveServer:
        """The live sockets."""
        ...

    @property
    def push(self) -> PushHouse:
        """The ways to phones and browsers."""
        ...

    @property
    def sms(self) -> SmsHouse:
        """The channels of short messages."""
        ...

    @property
    def mail(self) -> MailHouse:
        """Alerts by mail."""
        ...


AppCall = Call[AppServices, B, Q]


def act_of(call: AppCall[Any, Any], key: Key | None = None) -> Act:
    """The write that ``call`` asks for; ``key`` replaces the call's own (an upload's is made over its content).

    Raises Refused("idempotency_required") on a route without a key.
    """
    told = key or call.idempotency
    return Act(
        principal=call.principal,
        key=Idempotency(
            owner=owner_of(call.principal), key=told.key, route=told.route, body_hash=told.body_hash
        ),
        now=call.now,
        origin=call.origin,
        device=call.device,
    )


def encoded(answer: Answer) -> Encoded:
    """What a flow answered, byte for byte as it was kept under its key."""
    return Encoded(status=answer.status, body=answer.body, replayed=answer.replayed)


def faulty(code: str, *places: tuple[str, str], **params: object) -> Refused:
    """A refusal of places in the request: each a JSON pointer and a reason in Chinese."""
    return Refused(code, errors=[Fault(pointer=at, reason=why) for at, why in places], **params)


def at_of(when: datetime, pointer: str) -> int:
    """UTC microseconds of a time in the body. Raises Refused("body_invalid") beyond the years 2000 to 2199."""
    if not EARLIEST <= when < LATEST:
        raise faulty("body_invalid", (pointer, "时刻应在 2000 年至 2199 年之间"))
    return instant(when)
