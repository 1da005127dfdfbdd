"""The organisation as one frozen snapshot: regions, lines and units; people stay in the store."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType

from inbox_store.nouns import Noun, RegionLevel, Rollout, UnitGroup


class Region(Noun, frozen=True, kw_only=True):
    """A city, county, township or village; ``parent_id`` is the parent valid when the snapshot was taken."""

    id: int
    code: str
    name: str
    level: RegionLevel
    parent_id: int | None = None


class Line(Noun, frozen=True, kw_only=True):
    """A vertical line (条线): the second parent of a unit, such as education or health (P27)."""

    id: int
    code: str
    name: str


class Unit(Noun, frozen=True, kw_only=True):
    """An office that sends and signs for documents, with its places valid now.

    ``county_id`` is the county region it lies in, for city-level units the city region. ``clerks``, ``leaders`` and
    ``persons`` count the people who can be addressed now.
    """

    id: int
    code: str
    name: str
    group: UnitGroup
    region_id: int
    county_id: int
    line_id: int | None = None
    tags: frozenset[str] = frozenset()
    obliged: bool = True
    rollout: Rollout = "live"
    active_from: int = 0
    active_to: int | None = None
    frozen_at: int | None = None
    clerks: int = 0
    leaders: int = 0
    persons: int = 0
    led: tuple[int, ...] = ()
    """For each set of leader roles (1 head, 2 deputy in charge, 4 responsible leader, added up): how many people beside
    the clerks hold one of them; empty where only ``leaders`` is known."""

    def addressed(self, leader_mask: int) -> int:
        """How many people a dispatch to clerks and these leaders addresses here; never told too low."""
        if self.led:
            return self.clerks + self.led[leader_mask]
        return self.clerks + (self.leaders if leader_mask else 0)

    def live(self, at: int) -> bool:
        """Whether documents may be sent to the unit at ``at``: rolled out (dual or live), active and not frozen."""
        running = self.active_from <= at and (self.active_to is None or at < self.active_to)
        frozen = self.frozen_at is not None and self.frozen_at <= at
        return running and not frozen and self.rollout in ("dual", "live")


class Organisation:
    """All regions, lines and units of one version; immutable, shared by every reader."""

    def __init__(
        self,
        *,
        regions: Mapping[int, Region],
        lines: Mapping[int, Line],
        units: Mapping[int, Unit],
        version: int = 0,
    ) -> None:
        self.regions: Mapping[int, Region] = MappingProxyType(dict(regions))
        self.lines: Mapping[int, Line] = MappingProxyType(dict(lines))
        self.units: Mapping[int, Unit] = MappingProxyType(dict(units))
        self.version = version

    @cached_property
    def _by_code(self) -> dict[str, Unit]:
        return {unit.code: unit for unit in self.units.values()}

    @cached_property
    def _children(self) -> dict[int, list[int]]:
        children: dict[int, list[int]] = {}
        for region in self.regions.values():
            if region.parent_id is not None:
                children.setdefault(region.parent_id, []).append(region.id)
        return children

    def unit_by_code(self, code: str) -> Unit | None:
        """The unit with the office's own ``code``, or None."""
        return self._by_code.get(code)

    def live_units(self, at: int) -> tuple[Unit, ...]:
        """Every unit that may receive at ``at``, by id."""
        return tuple(unit for _, unit in sorted(self.units.items()) if unit.live(at))

    def subregions(self, region_id: int) -> frozenset[int]:
        """The region and everything below it."""
        found: set[int] = set()
        waiting = [region_id]
        while waiting:
            region = waiting.pop()
            if region not in found:
                found.add(region)
                waiting.extend(self._children.get(region, ()))
        return frozenset(found)

    def counties(self) -> tuple[Region, ...]:
        """The regions that bear figures of their own: the city and its counties, the city first, then by code."""
        told = [region for region in self.regions.values() if region.level in ("city", "county")]
        return tuple(sorted(told, key=lambda region: (region.level != "city", region.code)))
