"""People, sections and posts of the fictional city: two clerks and three leaders in every unit, staff in sections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import chain, pairwise
from random import Random
from typing import Final

from gateway.demo import offices
from gateway.demo.names import person_name, phone_number
from gateway.demo.shares import shared
from inbox_store.nouns import ClerkRank, Noun, Role, RoleScope, UnitGroup
from inbox_store.orgrows import AppointmentRow, PersonRow, SectionRow, UnitRow

Duty = tuple[Role, ClerkRank | None, RoleScope]

UNIT_DUTIES: Final[tuple[Duty, ...]] = (
    ("head", None, "unit"),
    ("deputy_in_charge", None, "unit"),
    ("responsible_leader", None, "unit"),
    ("clerk", "A", "unit"),
    ("clerk", "B", "unit"),
)
"""What every unit has, one person each (X25, X26, J6)."""

SENDING_DUTIES: Final[tuple[Duty, ...]] = (("organiser", None, "city"), ("supervisor", None, "city"))
OPERATOR_DUTIES: Final[tuple[Duty, ...]] = (
    ("organiser", None, "city"),
    ("approver", None, "city"),
    ("finance", None, "city"),
    ("administrator", None, "city"),
    ("security", None, "city"),
    ("auditor", None, "city"),
)
COUNTY_DUTIES: Final[tuple[Duty, ...]] = (
    ("administrator", None, "county"),
    ("organiser", None, "county"),
    ("approver", None, "county"),
    ("finance", None, "county"),
    ("supervisor", None, "county"),
)
"""Held in each county's government office (Y16: tiered administration)."""

OUTSIDE_DUTIES: Final = UNIT_DUTIES
STAFF: Final[Duty] = ("staff", None, "unit")
SECOND_POSTS: Final = 12
UNIT_PERSONS_MIN: Final = len(UNIT_DUTIES)
SECTION_FROM_PERSONS: Final = 20
PERSONS_OF_A_SECTION: Final = 12
DAYS_OF_APPOINTING: Final = 365
FIRST_DAY: Final = date(2017, 1, 1)

_WEIGHTS: Final[Mapping[UnitGroup, float]] = {
    "city_direct": 50,
    "county_direct": 36,
    "stationed": 40,
    "township": 48,
    "village": 4,
    "school": 38,
}
_HEAD_TITLES: Final = (
    ("局", "局长"), ("部", "部长"), ("院", "院长"), ("学", "校长"), ("镇人民政府", "镇长"), ("乡人民政府", "乡长"), ("公司", "经理"),
    ("学校", "校长"), ("幼儿园", "园长"), ("馆", "馆长"), ("站", "站长"), ("所", "所长"), ("会", "主席"), ("村民委员会", "主任"),
)  # fmt: skip
_POSTS: Final[Mapping[Role, str]] = {
    "clerk": "科员",
    "organiser": "会务科科长",
    "approver": "副主任",
    "supervisor": "督查科科长",
    "finance": "财务科科长",
    "administrator": "系统管理员",
    "security": "安全管理员",
    "auditor": "审计管理员",
}
_OUTSIDE_POSTS: Final[Mapping[Role, str]] = {
    "head": "指挥部办公室主任",
    "deputy_in_charge": "指挥部办公室副主任",
    "responsible_leader": "指挥部办公室副主任",
}
_STAFF_POSTS: Final = ("科员", "科员", "科员", "副主任科员", "主任科员", "副科长", "科长", "办事员")


class Posting(Noun, frozen=True, kw_only=True):
    """Codes of the units with tasks of their own."""

    sending: str
    operator: str
    outside: str


class Staff(Noun, frozen=True, kw_only=True):
    """The people's part of the rows."""

    sections: tuple[SectionRow, ...]
    people: tuple[PersonRow, ...]
    appointments: tuple[AppointmentRow, ...]


def persons_needed(units: int, counties: int) -> int:
    """The fewest persons: every unit's five, the special duties, and five to be sent to the outside unit."""
    special = len(SENDING_DUTIES) + len(OUTSIDE_DUTIES) + len(OPERATOR_DUTIES) + counties * len(COUNTY_DUTIES)
    return units * UNIT_PERSONS_MIN + special


def staffed(rng: Random, units: Sequence[UnitRow], persons: int, posting: Posting) -> Staff:
    """People for ``units``: exactly ``persons``. The outside unit is staffed by second posts of the sending unit."""
    special = {unit.code: _special_duties(unit, posting) for unit in units}
    spare = {posting.sending: len(OUTSIDE_DUTIES)}
    minima = [UNIT_PERSONS_MIN + len(special[unit.code]) + spare.get(unit.code, 0) for unit in units]
    weights = [_WEIGHTS[unit.group] * rng.uniform(0.5, 1.5) for unit in units]
    sizes = dict(zip((unit.code for unit in units), shared(persons, weights, minima), strict=True))
    sections = {unit.code: _sections(unit, sizes[unit.code]) for unit in units}
    recruit = _Recruit(rng)
    for unit in units:
        recruit.fill(unit, (*UNIT_DUTIES, *special[unit.code]), sizes[unit.code], sections[unit.code])
    recruit.outside_posts(posting)
    recruit.second_posts(units)
    return Staff(
        sections=tuple(chain.from_iterable(sections.values())),
        people=tuple(recruit.people),
        appointments=tuple(recruit.appointments),
    )


def _special_duties(unit: UnitRow, posting: Posting) -> tuple[Duty, ...]:
    if unit.code == posting.sending:
        return SENDING_DUTIES
    if unit.code == posting.operator:
        return OPERATOR_DUTIES
    county_office = unit.group == "county_direct" and unit.name.endswith(offices.SENDING_OFFICE)
    return COUNTY_DUTIES if county_office else ()


def _sections(unit: UnitRow, size: int) -> tuple[SectionRow, ...]:
    if size < SECTION_FROM_PERSONS:
        return ()
    number = min(len(offices.SECTIONS), max(2, size // PERSONS_OF_A_SECTION))
    named = enumerate(offices.SECTIONS[:number], start=1)
    return tuple(SectionRow(unit_code=unit.code, code=f"{index:02d}", name=name) for index, name in named)


def _head_title(unit: UnitRow) -> str:
    return next((title for ending, title in _HEAD_TITLES if unit.name.endswith(ending)), "主任")


def _post(unit: UnitRow, role: Role) -> str:
    head = _head_title(unit)
    if role in ("deputy_in_charge", "responsible_leader"):
        return "副" + head
    return _POSTS.get(role, head)


class _Recruit:
    """Appoints people one after another; their numbers, names and phones follow from the order."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.people: list[PersonRow] = []
        self.appointments: list[AppointmentRow] = []

    def fill(
        self, unit: UnitRow, duties: tuple[Duty, ...], size: int, sections: tuple[SectionRow, ...]
    ) -> None:
        """Everyone of one unit: the duties first, then staff spread over the sections."""
        for duty in duties:
            section = sections[0].code if sections and duty[0] == "clerk" else None
            self._appoint(self._person(unit, duty), unit.code, duty, section, _post(unit, duty[0]))
        for index in range(size - len(duties)):
            section = sections[index % len(sections)].code if sections else None
            self._appoint(
                self._person(unit, STAFF), unit.code, STAFF, section, self._rng.choice(_STAFF_POSTS)
            )

    def _person(self, unit: UnitRow, duty: Duty) -> str:
        """A new person's code. Those whose duty reaches beyond their unit get a login one can remember."""
        number = len(self.people) + 1
        role, _, scope = duty
        login = None if scope == "unit" else f"{role}-{unit.code}"
        name, phone = person_name(self._rng), phone_number(number)
        self.people.append(PersonRow(code=f"R{number:06d}", name=name, phone=phone, login=login))
        return self.people[-1].code

    def _appoint(self, person: str, unit_code: str, duty: Duty, section: str | None, post: str) -> None:
        role, rank, scope = duty
        self.appointments.append(
            AppointmentRow(
                person_code=person,
                unit_code=unit_code,
                section_code=section,
                role=role,
                clerk_rank=rank,
                post=post,
                scope=scope,
                from_day=FIRST_DAY + timedelta(days=self._rng.randrange(DAYS_OF_APPOINTING)),
            )
        )

    def outside_posts(self, posting: Posting) -> None:
        """The outside unit's people: staff of the sending unit, sent there beside their own post."""
        sent = [
            post for post in self.appointments if post.unit_code == posting.sending and post.role == "staff"
        ]
        for post, duty in zip(sent, OUTSIDE_DUTIES, strict=False):
            self._appoint(
                post.person_code, posting.outside, duty, None, _OUTSIDE_POSTS.get(duty[0], "联络员")
            )

    def second_posts(self, units: Sequence[UnitRow]) -> None:
        """A few of the counties' staff also serve in the next office of their county."""
        group = {unit.code: unit.region_code for unit in units if unit.group == "county_direct"}
        codes = list(group)
        following = {code: after for code, after in pairwise(codes) if group[code] == group[after]}
        staff = [post for post in self.appointments if post.role == "staff" and post.unit_code in following]
        for post in staff[:: max(1, len(staff) // SECOND_POSTS)][:SECOND_POSTS]:
            self._appoint(post.person_code, following[post.unit_code], STAFF, None, "兼职联络员")
