"""Before whom a leave or approval request comes, and who is next when nobody acts (L19, F37)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from inbox_store.urging import UnitPerson

CHAIN: Final = ("head", "deputy_in_charge", "responsible_leader")
"""The leaders of a unit in the order in which a request comes before them."""


def chain(people: Sequence[UnitPerson], applicant_id: int) -> tuple[int, ...]:
    """The persons in order: the head, the head's agents, the deputies, their agents, the responsible leader.

    The applicant is left out, and so is whoever stands in for the applicant: nobody decides about one's own request.
    """
    found: list[int] = []
    for role in CHAIN:
        leaders = sorted(
            one.person_id for one in people if role in one.leads and not _stands_in(one, role, people)
        )
        agents = sorted(one.person_id for one in people if one.for_persons.intersection(leaders))
        found += [*leaders, *agents]
    own = {one.person_id for one in people if applicant_id in (one.person_id, *one.for_persons)} | {
        applicant_id
    }
    return tuple(one for one in dict.fromkeys(found) if one not in own)


def next_of(people: Sequence[UnitPerson], applicant_id: int, asked: Sequence[int]) -> int | None:
    """Who gets the request next: the first in the chain that has not been asked; None where nobody is left."""
    return next((one for one in chain(people, applicant_id) if one not in asked), None)


def _stands_in(person: UnitPerson, role: str, people: Sequence[UnitPerson]) -> bool:
    """Whether the person leads only as an agent of somebody who leads in that role."""
    return any(
        role in other.leads and other.person_id in person.for_persons
        for other in people
        if other is not person
    )
