"""The small city with an office's rules of urging: what a step of a running server would do, without the server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from gateway.rules import urging as rules
from gateway.rules.lights import supervisor_of
from gateway.rules.urging import UrgingRules
from gateway.rules.workcal import WorkCalendar, load
from inbox_store.messages import NewAlert
from inbox_store.org import Organisation
from inbox_store.orgrows import AppointmentRow, OrgRows
from inbox_store.programs import lights, organisation, urging, watches
from inbox_store.programs.urging import UrgeRow
from inbox_store.urging import Matter, Move, Rung, Supervising, UnitPerson
from tests.inbox_store.small_city import ROWS
from tests.inbox_store.world import World

SUPERVISED = replace(
    ROWS,
    appointments=(
        *ROWS.appointments,
        AppointmentRow(person_code="s0-b", unit_code="S0", role="supervisor", scope="city"),
        AppointmentRow(person_code="u2-staff", unit_code="U2", role="supervisor", scope="county"),
    ),
)
"""The city with a supervisor in the city office and one in the education bureau of the eastern county."""


def with_posts(*posts: AppointmentRow) -> OrgRows:
    """The supervised city with further posts."""
    return replace(SUPERVISED, appointments=(*SUPERVISED.appointments, *posts))


@dataclass
class Urging:
    """An office's rules (``inbox_store.urging.Urger``) and the steps over one world."""

    world: World
    organisation: Organisation
    rules: UrgingRules = field(default_factory=UrgingRules)
    calendar: WorkCalendar = field(default_factory=lambda: load(""))

    @classmethod
    async def of(cls, world: World, told: UrgingRules | None = None) -> Urging:
        """With the organisation as it stands."""
        found = await world.read(organisation.snapshot())
        return cls(world, found, told or UrgingRules())

    def move(self, matter: Matter, now: int) -> Move:
        """What is due."""
        return rules.move(rules.ladder(self.rules, matter, self.calendar), matter, now)

    def whom(self, rung: Rung, people: Sequence[UnitPerson], handler_id: int | None) -> tuple[int, ...]:
        """The persons of a rung."""
        return rules.whom(rung, people, handler_id)

    def sms(self, matter: Matter) -> bool:
        """Whether a message goes with it."""
        return rules.asks_sms(self.rules, matter)

    def supervisor(self, unit_id: int, supervising: Supervising) -> int | None:
        """One level up."""
        return supervisor_of(unit_id, self.organisation, supervising, self.world.clock.now)

    def urge_alert(self, matter: Matter, now: int) -> NewAlert:
        """The words of an urge."""
        return self._alert("urge", matter, now)

    def red_alert(self, matter: Matter, now: int) -> NewAlert:
        """The words of a red light."""
        return self._alert("red_light", matter, now)

    def _alert(self, kind: str, matter: Matter, now: int) -> NewAlert:
        return NewAlert(
            kind=kind,
            unit_id=0,
            text="【送达】请办理。",
            segments=1,
            urgency=matter.urgency,
            priority=2,
            expires_at=now + 4 * 3_600_000_000,
        )

    async def step(self) -> int:
        """All that is due now; returns how many duties were looked at."""
        looked = 0
        while some := await self.world.write(urging.advance(self, self.world.clock.now, 3), bulk=True):
            looked += some
        return looked

    async def at(self, now: int) -> int:
        """Go to an instant and take what is due there."""
        self.world.clock.now = now
        return await self.step()

    async def due(self) -> bool:
        """Whether anything is to be looked at."""
        return await self.world.read(watches.due(self.world.clock.now))

    async def urges(self, document_id: int) -> list[UrgeRow]:
        """Every urge of a document."""
        return list(await self.world.read(urging.urges(document_id, 0, 1_000)))

    def name(self, person_id: int) -> str:
        """The login of a person."""
        return next(code for code, one in self.world.people.items() if one == person_id)

    def told(self, row: UrgeRow) -> list[str]:
        """The logins of those an urge told."""
        return sorted(self.name(one.person_id) for one in row.told)

    async def board(self, *, red_only: bool = False) -> list[tuple[str, str, bool]]:
        """The lights that are on: unit, duty, and whether it is red."""
        wanted = lights.LightFilter(
            units=tuple(self.world.units.values()), red_only=red_only, before=10**15, limit=99
        )
        codes = {unit_id: code for code, unit_id in self.world.units.items()}
        rows = await self.world.read(lights.page(wanted))
        return sorted((codes[row.unit_id], row.duty, row.red_at is not None) for row in rows)
