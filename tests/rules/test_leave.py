"""Before whom a request comes and who is next; whose act an agent's act is (F37, F38)."""

from __future__ import annotations

import pytest

from gateway.rules.access import Grant, Principal
from gateway.rules.delegation import on_behalf_of, period_fault
from gateway.rules.leave import chain, next_of
from inbox_store.nouns import Role
from inbox_store.times import DAY_US
from inbox_store.urging import UnitPerson


def person(number: int, *leads: str, stands_for: int = 0) -> UnitPerson:
    """Somebody of the unit; an agent has the roles of the absent too."""
    return UnitPerson(person_id=number, leads=frozenset(leads), for_persons=frozenset({stands_for} - {0}))


HEAD, DEPUTY, CHIEF, ME = (
    person(1, "head"),
    person(2, "deputy_in_charge"),
    person(3, "responsible_leader"),
    person(9),
)
AGENT = person(5, "head", stands_for=1)
MY_AGENT = person(6, stands_for=9)


@pytest.mark.parametrize(
    ("people", "applicant", "found"),
    [
        ([HEAD, DEPUTY, CHIEF, ME], 9, (1, 2, 3)),
        ([HEAD, AGENT, DEPUTY, ME], 9, (1, 5, 2)),
        ([HEAD, AGENT, DEPUTY], 5, (1, 2)),
        ([HEAD, AGENT, DEPUTY], 1, (2,)),
        ([HEAD, DEPUTY], 1, (2,)),
        ([DEPUTY, ME, person(6, "deputy_in_charge", stands_for=9)], 9, (2,)),
        ([person(1, "head", "responsible_leader"), ME], 9, (1,)),
        ([ME], 9, ()),
    ],
)
def test_the_chain_of_leaders(people: list[UnitPerson], applicant: int, found: tuple[int, ...]) -> None:
    """Head, the head's agent, deputies, responsible leader; never the applicant nor whoever stands in for the applicant."""
    assert chain(people, applicant) == found


def test_the_next_is_who_was_not_asked() -> None:
    """Each once, then nobody."""
    people = [HEAD, DEPUTY, CHIEF, ME]
    assert [next_of(people, 9, asked) for asked in ((), (1,), (1, 2), (1, 2, 3))] == [1, 2, 3, None]


def grant(role: Role, unit_id: int = 7, for_person: int = 0) -> Grant:
    """A post in a unit of county 3."""
    return Grant(role=role, scope="unit", unit_id=unit_id, county_id=3, for_person=for_person)


@pytest.mark.parametrize(
    ("grants", "action", "unit_id", "absent"),
    [
        ([grant("staff"), grant("clerk", for_person=4)], "document.return", 7, 4),
        ([grant("clerk"), grant("clerk", for_person=4)], "document.return", 7, 0),
        ([grant("clerk"), grant("clerk", 8, for_person=4)], "document.return", 8, 4),
        ([grant("staff"), grant("clerk", for_person=4)], "dispatch.submit", None, 4),
        ([grant("clerk"), grant("clerk", 8, for_person=4)], "dispatch.submit", None, 0),
        ([grant("staff"), grant("head", for_person=4)], "document.return", 7, 0),
        ([grant("clerk")], "document.return", 7, 0),
    ],
)
def test_whose_act_it_was(grants: list[Grant], action: str, unit_id: int | None, absent: int) -> None:
    """The absent's where only the lent right allowed it; one's own where one's own did; nobody's where neither does."""
    who = Principal(person_id=1, account_id=1, name="张敏", grants=frozenset(grants))
    assert on_behalf_of(who, action, unit_id) == absent


@pytest.mark.parametrize(
    ("from_at", "to_at", "good"),
    [(0, 5, True), (5, 5, False), (0, 2, False), (0, 366 * DAY_US, True), (0, 366 * DAY_US + 1, False)],
)
def test_periods_of_agents(from_at: int, to_at: int, *, good: bool) -> None:
    """It ends after it begins, ahead of now (3), and lasts a year at most."""
    assert (period_fault(from_at, to_at, 3) is None) is good
