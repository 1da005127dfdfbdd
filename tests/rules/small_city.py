"""A small invented city for the rules: two counties, their townships, two lines, and one unit of every group."""

from __future__ import annotations

import msgspec

from inbox_store.org import Line, Organisation, Region, Unit

CITY, EAST, WEST, EAST_TOWN, EAST_VILLAGE = 1, 2, 3, 4, 5
EDUCATION, TAX = 1, 2

REGIONS = (
    Region(id=CITY, code="100", name="云水市", level="city"),
    Region(id=EAST, code="110", name="东川县", level="county", parent_id=CITY),
    Region(id=WEST, code="120", name="西岭县", level="county", parent_id=CITY),
    Region(id=EAST_TOWN, code="111", name="柳河镇", level="township", parent_id=EAST),
    Region(id=EAST_VILLAGE, code="1111", name="石桥村", level="village", parent_id=EAST_TOWN),
)

CITY_OFFICE = Unit(
    id=10,
    code="S01",
    name="云水市政府办",
    group="city_direct",
    region_id=CITY,
    county_id=CITY,
    tags=frozenset({"head_office"}),
    clerks=2,
    leaders=3,
    persons=40,
)
CITY_EDUCATION = Unit(
    id=11,
    code="S02",
    name="云水市教育局",
    group="city_direct",
    region_id=CITY,
    county_id=CITY,
    line_id=EDUCATION,
    clerks=2,
    leaders=2,
    persons=30,
)
CITY_SUPERVISION = Unit(
    id=12,
    code="S03",
    name="云水市督查室",
    group="city_direct",
    region_id=CITY,
    county_id=CITY,
    tags=frozenset({"supervision"}),
    clerks=2,
    leaders=1,
    persons=8,
)
EAST_OFFICE = Unit(
    id=20,
    code="X01",
    name="东川县政府办",
    group="county_direct",
    region_id=EAST,
    county_id=EAST,
    tags=frozenset({"head_office"}),
    clerks=2,
    leaders=2,
    persons=25,
)
EAST_EDUCATION = Unit(
    id=21,
    code="X02",
    name="东川县教育局",
    group="county_direct",
    region_id=EAST,
    county_id=EAST,
    line_id=EDUCATION,
    clerks=2,
    leaders=1,
    persons=18,
)
EAST_TAX = Unit(
    id=22,
    code="X03",
    name="东川县税务局",
    group="stationed",
    region_id=EAST,
    county_id=EAST,
    line_id=TAX,
    clerks=2,
    leaders=1,
    persons=20,
)
EAST_TOWNSHIP = Unit(
    id=23,
    code="X04",
    name="柳河镇政府",
    group="township",
    region_id=EAST_TOWN,
    county_id=EAST,
    clerks=2,
    leaders=1,
    persons=15,
)
EAST_SCHOOL = Unit(
    id=24,
    code="X05",
    name="东川县第一中学",
    group="school",
    region_id=EAST,
    county_id=EAST,
    line_id=EDUCATION,
    clerks=1,
    leaders=1,
    persons=60,
)
VILLAGE = Unit(
    id=25,
    code="X06",
    name="石桥村村委会",
    group="village",
    region_id=EAST_VILLAGE,
    county_id=EAST,
    clerks=0,
    leaders=1,
    persons=5,
)
WEST_OFFICE = Unit(
    id=30,
    code="Y01",
    name="西岭县政府办",
    group="county_direct",
    region_id=WEST,
    county_id=WEST,
    clerks=2,
    leaders=2,
    persons=22,
)
GUEST = Unit(
    id=40,
    code="G01",
    name="外市考察组",
    group="stationed",
    region_id=CITY,
    county_id=CITY,
    tags=frozenset({"guest"}),
    clerks=1,
    persons=1,
)

UNITS = (
    CITY_OFFICE,
    CITY_EDUCATION,
    CITY_SUPERVISION,
    EAST_OFFICE,
    EAST_EDUCATION,
    EAST_TAX,
    EAST_TOWNSHIP,
    EAST_SCHOOL,
    VILLAGE,
    WEST_OFFICE,
    GUEST,
)


def city(*changed: Unit) -> Organisation:
    """The city, with some units put in the place of those with the same id, or added."""
    units = {unit.id: unit for unit in (*UNITS, *changed)}
    lines = {
        EDUCATION: Line(id=EDUCATION, code="L1", name="教育"),
        TAX: Line(id=TAX, code="L2", name="税务"),
    }
    return Organisation(regions={region.id: region for region in REGIONS}, lines=lines, units=units)


def frozen(unit: Unit, at: int) -> Unit:
    """The unit frozen from ``at`` on."""
    return msgspec.structs.replace(unit, frozen_at=at)
