"""Amber and red lights, and who stands one level up to hear of a red one (L26, L27, F15)."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.rules.deadlines import Light, light
from gateway.rules.folders import HEAD_OFFICE_TAG, SUPERVISION_TAG
from inbox_store.org import Organisation, Unit
from inbox_store.urging import Supervising


def colour(now: int, due_at: int, amber_at: int) -> Light:
    """The light beside a matter that is still open."""
    return light(now, due_at, due_at - amber_at)


def supervisor_of(unit_id: int, organisation: Organisation, supervising: Supervising, now: int) -> int | None:
    """The unit that follows up what ``unit_id`` leaves undone; None where nobody stands above it.

    A unit of a county is followed up by its county, the county's own office and its supervising unit by the city, units of
    the city by the city's. Where a county has nobody, the city follows up at once.
    """
    unit = organisation.units.get(unit_id)
    if unit is None:
        return None
    for region_id in _upwards(unit, organisation):
        found = unit_of_region(region_id, organisation, supervising, now)
        own_office = (
            unit.region_id == region_id
            and HEAD_OFFICE_TAG in unit.tags
            and not _is_city(region_id, organisation)
        )
        if found is not None and found != unit_id and not own_office:
            return found
    return None


def unit_of_region(
    region_id: int, organisation: Organisation, supervising: Supervising, now: int
) -> int | None:
    """The supervising unit of a county or the city: the one that was set, else by supervisors in office and tags.

    A unit that is no longer live follows nobody up. None where no unit of the region is fit.
    """
    told = organisation.units.get(supervising.by_region.get(region_id, 0))
    if told is not None and told.live(now):
        return told.id
    fit = [unit for unit in organisation.units.values() if _is_fit(unit, region_id, supervising, now)]
    return min(fit, key=lambda unit: _rank(unit, supervising)).id if fit else None


def _upwards(unit: Unit, organisation: Organisation) -> Iterable[int]:
    """The county of the unit (the city for its own units), then the city."""
    yield unit.county_id
    region = organisation.regions.get(unit.county_id)
    while region is not None and region.parent_id is not None:
        yield region.parent_id
        region = organisation.regions.get(region.parent_id)


def _is_city(region_id: int, organisation: Organisation) -> bool:
    region = organisation.regions.get(region_id)
    return region is not None and region.parent_id is None


def _is_fit(unit: Unit, region_id: int, supervising: Supervising, now: int) -> bool:
    tagged = not unit.tags.isdisjoint({SUPERVISION_TAG, HEAD_OFFICE_TAG})
    return unit.county_id == region_id and unit.live(now) and (unit.id in supervising.manned or tagged)


def _rank(unit: Unit, supervising: Supervising) -> tuple[bool, bool, bool, str]:
    """Lower is fitter: with a supervisor in office, the supervision office, the head office, by code."""
    tags = unit.tags
    return (
        unit.id not in supervising.manned,
        SUPERVISION_TAG not in tags,
        HEAD_OFFICE_TAG not in tags,
        unit.code,
    )
