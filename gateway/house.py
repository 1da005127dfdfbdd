"""What every flow works with: the open store, the settings, the calendar and the organisation as it stands.

Built in one place (``gateway.assembly``) and passed in; no flow knows which variant of the store runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from config.settings import Settings
from gateway.rules.access import ACTIONS, Principal, Target, permit
from gateway.rules.alert_policy import NO_ESCALATION, AlertRules
from gateway.rules.deadlines import DeadlineRules
from gateway.rules.delegation import on_behalf_of
from gateway.rules.folders import DEFAULT_RULES, FolderRule
from gateway.rules.urging import UrgingRules
from gateway.rules.workcal import WorkCalendar
from inbox_store.engine import Audit, Each, Nudge, Program, Step
from inbox_store.errors import Refused
from inbox_store.failpoints import failpoint
from inbox_store.org import Organisation, Unit
from inbox_store.programs import organisation as org_programs
from inbox_store.programs.copies import Actor
from inbox_store.programs.idempotency import Answer, Idempotency, Keyed, once, seen
from inbox_store.store import Store
from inbox_store.times import Clock
from push.sms.text import MAINLAND
from push.sms.text import Rules as TextRules
from sms_billing.tariff import Tariff

T = TypeVar("T")
Order = TypeVar("Order")

_JSON = msgspec.json.Encoder()


def owner_of(principal: Principal) -> int:
    """Whose idempotency keys they are: the account, or the person behind an API key as a negative number."""
    return principal.account_id or -principal.person_id


@dataclass(slots=True)
class House:
    """The parts of one running gateway that flows use."""

    store: Store
    settings: Settings
    clock: Clock
    calendar: WorkCalendar
    rules: DeadlineRules
    urging: UrgingRules = field(default_factory=UrgingRules)
    folder_rules: tuple[FolderRule, ...] = DEFAULT_RULES
    tariffs: tuple[Tariff, ...] = ()
    sms_texts: tuple[TextRules, ...] = (MAINLAND,)
    """How the channels of short messages count and cut."""
    asks_by_sms: bool = False
    """Whether a channel brings replies: then a meeting's message asks."""
    alert_rules: AlertRules = NO_ESCALATION
    """The office's policy of alerts."""
    pushing: bool = False
    """Whether there is a way to devices."""
    online: Callable[[], frozenset[int]] = frozenset
    """Who has a live client now."""
    wake: list[Callable[[], None]] = field(default_factory=list)
    _organisation: Organisation | None = None
    _reading: asyncio.Task[Organisation] | None = None

    def __post_init__(self) -> None:
        """Forget the organisation whenever a commit changed it."""
        self.store.engine.subscribe(self._heard)

    def _heard(self, nudge: Nudge) -> None:
        if nudge.org:
            self._organisation = self._reading = None

    async def organisation(self) -> Organisation:
        """The organisation as it stands; read again after it changed, once for all who ask meanwhile."""
        if self._organisation is not None:
            return self._organisation
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_organisation())
        # Whoever asked first may leave; those who wait with them still get it.
        return await asyncio.shield(self._reading)

    async def _read_organisation(self) -> Organisation:
        mine = asyncio.current_task()
        while True:
            found = await self.store.engine.read(org_programs.snapshot())
            # A change that committed during the read makes it stale at once: read again.
            if found.version >= await self.store.engine.read(_version()):
                break
        if self._reading is mine:  # nobody was told of a change since the reading began
            self._organisation = found
        return found

    async def unit(self, unit_id: int) -> Unit:
        """One unit. Raises Refused("not_found")."""
        found = (await self.organisation()).units.get(unit_id)
        if found is None:
            raise Refused("not_found", what="unit", id=unit_id)
        return found

    async def target(self, unit_id: int, person_id: int | None = None) -> Target:
        """The unit as the access policy sees it."""
        unit = await self.unit(unit_id)
        return Target(unit_id=unit.id, county_id=unit.county_id, person_id=person_id)

    async def require(
        self, principal: Principal, action: str, unit_id: int, person_id: int | None = None
    ) -> None:
        """Refuse with "forbidden" unless ``principal`` may do ``action`` to the unit."""
        if not permit(principal, action, await self.target(unit_id, person_id)):
            raise Refused("forbidden", action=ACTIONS[action].zh)

    def approval_mark(self) -> Fraction:
        """The share of live units from which a second person must approve."""
        return Fraction(self.settings.dispatch.approval_share).limit_denominator(1000)

    async def told_before(self, act: Act) -> Answer | None:
        """The earlier answer to this act's key, before anything is worked out for it again."""
        return await self.store.engine.read(seen(act.key))

    async def once(
        self, act: Act, program: Program[T], render: Callable[[T], object], status: int = 200
    ) -> Answer:
        """Run one write under the act's key; the same key again gives the same bytes.

        ``render`` makes the answer's body (a struct, or None for no content) from the fact's result.
        """
        fact = once(act.key, on_behalf(act, program), rendered(render, status), act.now)
        answer = await self.store.engine.write(fact)
        failpoint("after_accept")
        return answer

    async def once_each(self, act: Act, each: Each[Keyed[Order], Answer], order: Order) -> Answer:
        """The same for one order of a fact that takes many; ``each`` comes from ``once_each`` and ``rendered``."""
        keyed = Keyed(idempotency=act.key, order=order, now=act.now)
        answer = await self.store.engine.write_each(each, keyed)
        failpoint("after_accept")
        return answer


def on_behalf(act: Act, program: Program[T]) -> Program[T]:
    """The fact, its lines of the trace told as on behalf of the absent where the actor had the right as an agent (F38)."""
    if not any(grant.for_person for grant in act.principal.grants):
        return program
    return _told_on_behalf(act, program)


def _told_on_behalf(act: Act, program: Program[T]) -> Program[T]:
    try:
        step = next(program)
        while True:
            step = program.send((yield _with_absent(act, step)))
    except StopIteration as done:
        value: T = done.value
        return value


def _with_absent(act: Act, step: Step) -> Step:
    if not isinstance(step, Audit) or step.actor != act.person_id or "on_behalf_of" in step.detail:
        return step
    unit_id = step.detail.get("unit")
    absent = on_behalf_of(act.principal, step.action, unit_id if isinstance(unit_id, int) else None)
    return replace(step, detail={**step.detail, "on_behalf_of": absent}) if absent else step


def rendered(render: Callable[[T], object], status: int = 200) -> Callable[[T], Answer]:
    """How a fact's result becomes the bytes of an answer, by the struct that ``render`` makes (None: no content)."""

    def told(result: T) -> Answer:
        body = render(result)
        failpoint("before_accept")
        return Answer(status=status, body=b"" if body is None else _JSON.encode(body))

    return told


def _version() -> Program[int]:
    return int((yield org_programs.VERSION)[0][0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One write as it is asked for: who, under which key, from where, with what, when (UTC microseconds)."""

    principal: Principal
    key: Idempotency
    now: int
    origin: str = ""
    device: str = ""

    @property
    def actor(self) -> Actor:
        """The one who acts, as a fact records it."""
        told = self.principal
        return Actor(person_id=told.person_id, name=told.name, origin=self.origin, device=self.device)

    @property
    def person_id(self) -> int:
        """The person who acts, or who answers for the key that does."""
        return self.principal.person_id
