"""Regions, lines and units as the caller may see them; freezing a unit (F31, F32)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from gateway.doors.call import Encoded
from gateway.doors.cursors import Cursor, Page, PageQuery
from gateway.doors.routes import Routes
from gateway.doors.v1.account import Dated
from gateway.doors.v1.adapter import AppCall, act_of, encoded
from gateway.doors.v1.reaching import instant_of_day, unit_for, units_within
from gateway.doors.v1.shown import when
from gateway.doors.wire import Answer, Id, shown
from gateway.orgfile.words import LEVEL_ZH, ROLLOUT_ZH
from gateway.rules.access import Principal, reach
from inbox_store.nouns import GROUP_ZH, RegionLevel, Rollout, UnitGroup
from inbox_store.org import Organisation, Region, Unit
from inbox_store.programs.organisation import freeze_unit

routes = Routes("organisation")


class RegionView(Answer, frozen=True, kw_only=True):
    """地区"""

    id: int
    code: str
    name: str
    level: RegionLevel
    level_zh: str
    parent_id: int | None


class LineView(Answer, frozen=True, kw_only=True):
    """条线"""

    id: int
    code: str
    name: str


class LineList(Answer, frozen=True, kw_only=True):
    """全部条线"""

    items: tuple[LineView, ...]


class UnitView(Answer, frozen=True, kw_only=True):
    """单位；live 为现在能否收文，clerks、leaders、persons 为现在能收到文件的人数"""

    id: int
    code: str
    name: str
    group: UnitGroup
    group_zh: str
    region_id: int
    region: str
    county_id: int
    county: str
    line_id: int | None
    line: str
    tags: tuple[str, ...]
    obliged: bool
    rollout: Rollout
    rollout_zh: str
    live: bool
    active_from: datetime
    active_to: datetime | None
    frozen_at: datetime | None
    clerks: int
    leaders: int
    persons: int


class RegionQuery(PageQuery, frozen=True, kw_only=True):
    """地区列表的条件"""

    level: RegionLevel | None = None
    parent: Annotated[Id, Meta(description="上级地区")] | None = None


class UnitQuery(PageQuery, frozen=True, kw_only=True):
    """单位列表的条件；多个条件同时满足"""

    code: Annotated[str, Meta(max_length=32, description="单位编码，须完全相同")] | None = None
    region: Annotated[Id, Meta(description="地区，含其下各级")] | None = None
    group: UnitGroup | None = None
    line: Annotated[Id, Meta(description="条线")] | None = None
    q: Annotated[str, Meta(min_length=1, max_length=40, description="名称或编码中的字")] | None = None
    live: Annotated[bool, Meta(description="现在能否收文")] | None = None


class AfterCode(msgspec.Struct, frozen=True):
    """The code below which a page begins."""

    code: str


_REGIONS: Final = Cursor("org.regions", AfterCode)
_UNITS: Final = Cursor("org.units", AfterCode)
_NO_CLERK: Final = Cursor("org.no_clerk", AfterCode)


def regions_within(principal: Principal, organisation: Organisation) -> list[Region]:
    """The regions the principal may see, by code: those within reach, and what lies above them."""
    told = reach(principal, "org.read")
    if told.all:
        return sorted(organisation.regions.values(), key=lambda region: region.code)
    found: set[int] = set()
    for county in told.county_ids:
        found |= organisation.subregions(county)
    found |= {unit.region_id for unit in units_within(principal, "org.read", organisation)}
    for region in tuple(found):
        found |= _above(region, organisation)
    return sorted((organisation.regions[region] for region in found), key=lambda region: region.code)


def _above(region_id: int, organisation: Organisation) -> set[int]:
    found: set[int] = set()
    parent = organisation.regions[region_id].parent_id
    while parent is not None and parent not in found:
        found.add(parent)
        parent = organisation.regions[parent].parent_id
    return found


@routes.at(
    "GET",
    "/api/v1/org/regions",
    name="org.regions",
    access="org.read",
    query=RegionQuery,
    answer=Page[RegionView],
    errors=("cursor_invalid",),
    zh="地区列表",
    en="Regions by code",
)
async def list_regions(call: AppCall[None, RegionQuery]) -> Page[RegionView]:
    """A page of regions."""
    organisation = await call.services.house.organisation()
    after = _REGIONS.decode(call.query.cursor)
    wanted = call.query
    rows = [
        _region(region)
        for region in regions_within(call.principal, organisation)
        if wanted.level in (None, region.level)
        and wanted.parent in (None, region.parent_id)
        and region.code > (after.code if after else "")
    ]
    return _REGIONS.page(rows[: wanted.limit + 1], wanted.limit, lambda row: AfterCode(row.code))


def _region(region: Region) -> RegionView:
    return RegionView(
        id=region.id,
        code=region.code,
        name=region.name,
        level=region.level,
        level_zh=LEVEL_ZH[region.level],
        parent_id=region.parent_id,
    )


@routes.at(
    "GET",
    "/api/v1/org/lines",
    name="org.lines",
    access="org.read",
    answer=LineList,
    zh="条线列表",
    en="Vertical lines by code",
)
async def list_lines(call: AppCall[None, None]) -> LineList:
    """All lines."""
    lines = (await call.services.house.organisation()).lines.values()
    ordered = sorted(lines, key=lambda line: line.code)
    return LineList(items=tuple(LineView(id=line.id, code=line.code, name=line.name) for line in ordered))


@routes.at(
    "GET",
    "/api/v1/org/units",
    name="org.units",
    access="org.read",
    query=UnitQuery,
    answer=Page[UnitView],
    errors=("cursor_invalid",),
    zh="单位列表",
    en="Units by code",
)
async def list_units(call: AppCall[None, UnitQuery]) -> Page[UnitView]:
    """A page of units."""
    organisation = await call.services.house.organisation()
    fits = _fits(call.query, organisation, call.now)
    units = (unit for unit in units_within(call.principal, "org.read", organisation) if fits(unit))
    return _page(_UNITS, units, call.query, organisation, call.now)


def _fits(wanted: UnitQuery, organisation: Organisation, now: int) -> Callable[[Unit], bool]:
    regions = None if wanted.region is None else organisation.subregions(wanted.region)
    words = (wanted.q or "").casefold()

    def fits(unit: Unit) -> bool:
        return (
            wanted.code in (None, unit.code)
            and (regions is None or unit.region_id in regions)
            and wanted.group in (None, unit.group)
            and wanted.line in (None, unit.line_id)
            and (words in unit.name.casefold() or words in unit.code.casefold())
            and wanted.live in (None, unit.live(now))
        )

    return fits


def _page(
    cursor: Cursor[AfterCode], units: Iterable[Unit], query: PageQuery, organisation: Organisation, now: int
) -> Page[UnitView]:
    """A page of ``units``, which come by code."""
    after = cursor.decode(query.cursor)
    rest = [unit for unit in units if unit.code > (after.code if after else "")]
    rows = [unit_view(unit, organisation, now) for unit in rest[: query.limit + 1]]
    return cursor.page(rows, query.limit, lambda row: AfterCode(row.code))


def unit_view(unit: Unit, organisation: Organisation, now: int) -> UnitView:
    """The unit as answers show it."""
    line = organisation.lines.get(unit.line_id) if unit.line_id is not None else None
    return UnitView(
        id=unit.id,
        code=unit.code,
        name=unit.name,
        group=unit.group,
        group_zh=GROUP_ZH[unit.group],
        region_id=unit.region_id,
        region=organisation.regions[unit.region_id].name,
        county_id=unit.county_id,
        county=organisation.regions[unit.county_id].name,
        line_id=unit.line_id,
        line=line.name if line else "",
        tags=tuple(sorted(unit.tags)),
        obliged=unit.obliged,
        rollout=unit.rollout,
        rollout_zh=ROLLOUT_ZH[unit.rollout],
        live=unit.live(now),
        active_from=shown(unit.active_from),
        active_to=when(unit.active_to),
        frozen_at=when(unit.frozen_at),
        clerks=unit.clerks,
        leaders=unit.leaders,
        persons=unit.persons,
    )


@routes.at(
    "GET",
    "/api/v1/org/units/{unit_id:int}",
    name="org.unit",
    access="org.read",
    answer=UnitView,
    zh="查看单位",
    en="One unit",
)
async def show_unit(call: AppCall[None, None]) -> UnitView:
    """One unit."""
    unit = await unit_for(call, "org.read", call.path.number("unit_id"))
    return unit_view(unit, await call.services.house.organisation(), call.now)


@routes.at(
    "GET",
    "/api/v1/org/no-clerk",
    name="org.no_clerk",
    access="org.read",
    query=PageQuery,
    answer=Page[UnitView],
    errors=("cursor_invalid",),
    zh="无收发员单位：能收文而没有在用的收发员",
    en="Live units without any active clerk: nobody could sign for them (F18)",
)
async def list_no_clerk(call: AppCall[None, PageQuery]) -> Page[UnitView]:
    """A page of the units that nobody could sign for."""
    organisation = await call.services.house.organisation()
    units = (
        unit
        for unit in units_within(call.principal, "org.read", organisation)
        if not unit.clerks and unit.live(call.now)
    )
    return _page(_NO_CLERK, units, call.query, organisation, call.now)


class UnitFrozen(Answer, frozen=True, kw_only=True):
    """冻结后的单位；frozen_at 为空即未冻结"""

    id: int
    name: str
    frozen_at: datetime | None


@routes.at(
    "POST",
    "/api/v1/units/{unit_id:int}/freeze",
    name="unit.freeze",
    access="org.import",
    body=Dated,
    answer=UnitFrozen,
    example=Dated(),
    zh="冻结单位：不再收发文件，历史保留",
    en="Freeze a unit, from a day on: nothing more is sent to it, history stays",
)
async def freeze(call: AppCall[Dated, None]) -> Encoded:
    """Freezes."""
    return await _freeze(call, instant_of_day(call.body.from_day, call.now))


@routes.at(
    "POST",
    "/api/v1/units/{unit_id:int}/thaw",
    name="unit.thaw",
    access="org.import",
    answer=UnitFrozen,
    zh="解除单位冻结",
    en="Lift a unit's freeze",
)
async def thaw(call: AppCall[None, None]) -> Encoded:
    """Thaws."""
    return await _freeze(call, None)


async def _freeze(call: AppCall[Dated, None] | AppCall[None, None], at: int | None) -> Encoded:
    # Who may bring a unit in may also put it out of use: there is no narrower right in the policy.
    unit = await unit_for(call, "org.import", call.path.number("unit_id"))
    fact = freeze_unit(unit.id, at, call.principal.person_id, call.origin)
    told = UnitFrozen(id=unit.id, name=unit.name, frozen_at=when(at))
    return encoded(await call.services.house.once(act_of(call), fact, lambda _: told))
