"""Who stands one level up, and the light at any moment (F15)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from gateway.rules.deadlines import Light
from gateway.rules.lights import colour, supervisor_of, unit_of_region
from inbox_store.org import Unit
from inbox_store.urging import Supervising
from tests.rules.small_city import (
    CITY,
    CITY_EDUCATION,
    CITY_OFFICE,
    CITY_SUPERVISION,
    EAST,
    EAST_EDUCATION,
    EAST_OFFICE,
    EAST_SCHOOL,
    EAST_TAX,
    EAST_TOWNSHIP,
    VILLAGE,
    WEST,
    WEST_OFFICE,
    city,
    frozen,
)

MANNED = Supervising(manned=frozenset({CITY_SUPERVISION.id, EAST_OFFICE.id}))
"""Supervisors sit in the city's supervision office and in the county office of the east; the west has none."""


@pytest.mark.parametrize(
    ("unit", "above"),
    [
        (EAST_EDUCATION, EAST_OFFICE),
        (EAST_SCHOOL, EAST_OFFICE),
        (EAST_TAX, EAST_OFFICE),
        (EAST_TOWNSHIP, EAST_OFFICE),
        (VILLAGE, EAST_OFFICE),
        (EAST_OFFICE, CITY_SUPERVISION),
        (WEST_OFFICE, CITY_SUPERVISION),
        (CITY_EDUCATION, CITY_SUPERVISION),
        (CITY_OFFICE, CITY_SUPERVISION),
        (CITY_SUPERVISION, None),
    ],
    ids=lambda told: told.code if isinstance(told, Unit) else "nobody",
)
def test_one_level_up(unit: Unit, above: Unit | None) -> None:
    """A county's units to the county, its office to the city, the city's to the city's; above the highest stands nobody."""
    assert supervisor_of(unit.id, city(), MANNED, 0) == (above.id if above else None)


def test_a_county_without_anybody_goes_to_the_city() -> None:
    """A unit of the west, which has neither supervisor nor head office, is followed up by the city."""
    bureau = replace(EAST_EDUCATION, id=31, code="Y02", region_id=WEST, county_id=WEST)
    assert supervisor_of(bureau.id, city(bureau), MANNED, 0) == CITY_SUPERVISION.id


def test_what_was_set_by_hand_goes_first() -> None:
    """The unit named for a region supervises, until it is frozen; then the others are asked again."""
    told = Supervising(by_region={EAST: EAST_EDUCATION.id}, manned=MANNED.manned)
    assert supervisor_of(EAST_SCHOOL.id, city(), told, 0) == EAST_EDUCATION.id
    assert supervisor_of(EAST_EDUCATION.id, city(), told, 0) == CITY_SUPERVISION.id
    stopped = city(frozen(EAST_EDUCATION, 5))
    assert supervisor_of(EAST_SCHOOL.id, stopped, told, 9) == EAST_OFFICE.id


def test_without_any_supervisor_tags_decide() -> None:
    """The supervision office before the head office; an unknown unit has nobody above."""
    assert unit_of_region(CITY, city(), Supervising(), 0) == CITY_SUPERVISION.id
    assert unit_of_region(EAST, city(), Supervising(), 0) == EAST_OFFICE.id
    assert unit_of_region(WEST, city(), Supervising(), 0) is None
    assert supervisor_of(999, city(), MANNED, 0) is None


@pytest.mark.parametrize(
    ("now", "light"), [(89, Light.off), (90, Light.amber), (99, Light.amber), (100, Light.red)]
)
def test_the_light_of_a_moment(now: int, light: Light) -> None:
    """Amber from its own instant, red from the deadline on, to the very moment."""
    assert colour(now, 100, 90) is light
