"""A small city with two counties, and somebody for every duty: what the doors are asked about."""

from __future__ import annotations

from inbox_store.nouns import ClerkRank, Role, RoleScope, UnitGroup
from inbox_store.orgrows import AppointmentRow, LineRow, OrgRows, PersonRow, RegionRow, UnitRow


def _unit(code: str, name: str, group: UnitGroup, region: str, line: str | None = None) -> UnitRow:
    return UnitRow(
        code=code,
        name=name,
        short_name=name,
        group=group,
        region_code=region,
        line_code=line,
        rollout="live",
    )


def _post(
    person: str,
    unit: str,
    role: Role = "staff",
    scope: RoleScope = "unit",
    rank: ClerkRank | None = None,
) -> AppointmentRow:
    return AppointmentRow(
        person_code=person, unit_code=unit, role=role, scope=scope, clerk_rank=rank, post="科员"
    )


PEOPLE = {
    "admin": "杨帆",
    "security": "黄丽",
    "auditor": "周杰",
    "approver": "吴刚",
    "supervisor": "郑洁",
    "sclerk": "孙浩",
    "eclerk": "王芳",
    "esecond": "李强",
    "estaff": "张敏",
    "eadmin": "赵磊",
    "esecurity": "钱进",
    "eauditor": "冯远",
    "esupervisor": "陈默",
    "both": "刘洋",
    "wclerk": "陈静",
    "wadmin": "何平",
    "lonely": "吕良",
}

ROWS = OrgRows(
    regions=(
        RegionRow(code="100", name="云水市", level="city"),
        RegionRow(code="110", name="东川县", level="county", parent_code="100"),
        RegionRow(code="111", name="柳河镇", level="township", parent_code="110"),
        RegionRow(code="120", name="西岭县", level="county", parent_code="100"),
        RegionRow(code="121", name="石桥镇", level="township", parent_code="120"),
    ),
    lines=(LineRow(code="EDU", name="教育"), LineRow(code="WAT", name="水务")),
    units=(
        _unit("S01", "云水市政府办", "city_direct", "100"),
        _unit("E01", "东川县教育局", "county_direct", "110", "EDU"),
        _unit("E02", "东川县水务局", "county_direct", "110", "WAT"),
        _unit("E03", "柳河镇政府", "township", "111"),
        _unit("W01", "西岭县教育局", "county_direct", "120", "EDU"),
        _unit("W02", "石桥镇政府", "township", "121"),
    ),
    people=tuple(
        PersonRow(code=code, name=name, phone=f"139000100{place:02d}")
        for place, (code, name) in enumerate(PEOPLE.items())
    ),
    appointments=(
        _post("admin", "S01", "administrator", "city"),
        _post("security", "S01", "security", "city"),
        _post("auditor", "S01", "auditor", "city"),
        _post("approver", "S01", "approver", "city"),
        _post("supervisor", "S01", "supervisor", "city"),
        _post("sclerk", "S01", "clerk", rank="A"),
        _post("eclerk", "E01", "clerk", rank="A"),
        _post("esecond", "E01", "clerk", rank="B"),
        _post("estaff", "E01"),
        _post("eadmin", "E02", "administrator", "county"),
        _post("esecurity", "E02", "security", "county"),
        _post("eauditor", "E02", "auditor", "county"),
        _post("esupervisor", "E02", "supervisor", "county"),
        _post("both", "E01"),
        _post("both", "W01"),
        _post("wclerk", "W01", "clerk", rank="A"),
        _post("wadmin", "W02", "administrator", "county"),
        _post("lonely", "E03"),
    ),
)
