"""The fictional city: of the asked size, sound, the same each time, and nowhere on the map."""

from __future__ import annotations

import re
from collections import Counter
from itertools import product
from pathlib import Path
from random import Random

import pytest

from gateway.demo.city import (
    OPERATOR_UNIT,
    OUTSIDE_UNIT,
    SENDING_UNIT,
    build_city,
    units_needed,
    write_city_xlsx,
)
from gateway.demo.names import HEADS, TAILS, person_name, phone_number, place_stems
from gateway.demo.shares import shared
from gateway.orgfile.check import check
from gateway.orgfile.known import Known
from gateway.orgfile.read import read_file
from gateway.orgfile.write import cells_of
from inbox_store.orgrows import OrgRows
from tests.orgfile.sheets import raw

SOURCE_COUNTIES = ["崇信", "崆峒", "灵台", "庄浪", "静宁", "华亭", "泾川", "平凉", "临沂", "永川"]
WELL_KNOWN = set(
    re.findall(
        r"\S+",
        """
        北京 天津 上海 重庆 石家庄 太原 沈阳 长春 南京 杭州 合肥 福州 南昌 济南 郑州 武汉 长沙 广州 南宁 海口 成都 贵阳 昆明 拉萨 西安 兰州 西宁 银川 天水 庆阳
        定西 陇南 武威 张掖 酒泉 白银 金昌 嘉峪关 宝鸡 咸阳 渭南 汉中 榆林 延安 安康 商洛 固原 中卫 吴忠 绵阳 泸州 宜宾 达州 广元 遂宁 赤水 溧阳 沅陵 江陵 涪陵
        醴陵 铜陵 兰陵 宁陵 延川 宜川 四川 汉川 伊川 栾川 铜川 陵川 平原 清原 湟源 泾源 凌源 武原 兴平 开平 香屏 锦屏 翠屏 宁洱 温岭 梅岭 秦岭 漳浦 溆浦 霞浦 合浦
        黄浦 秀洲 满洲 龙泉 南溪 郎溪
        """,
    )
)


@pytest.fixture(scope="module")
def city() -> OrgRows:
    """The city of the demo."""
    return build_city()


def test_the_city_has_the_size_of_the_source(city: OrgRows) -> None:
    """7 counties, 1,027 units and one outside them, 36,100 persons (P1, P2)."""
    levels = Counter(region.level for region in city.regions)
    assert (levels["city"], levels["county"]) == (1, 7)
    assert len(city.units) == 1028
    assert len(city.people) == 36_100
    assert city.units[-1].code == OUTSIDE_UNIT
    assert not city.units[-1].obliged
    assert set(Counter(unit.group for unit in city.units)) == {
        "city_direct",
        "county_direct",
        "stationed",
        "township",
        "village",
        "school",
    }


def test_the_city_passes_the_check_without_a_finding(city: OrgRows) -> None:
    """What the demo imports has neither fault nor warning, and comes back row for row."""
    checked = check(
        raw({sheet: [list(cells) for cells in found] for sheet, found in cells_of(city).items()}), Known()
    )
    assert checked.findings == ()
    assert checked.rows == city


def test_every_unit_can_receive_and_has_its_people(city: OrgRows) -> None:
    """Each unit runs, and has a clerk A, a clerk B, a head, a deputy and a responsible leader."""
    duties = Counter(
        (post.unit_code, str(post.role), str(post.clerk_rank or "")) for post in city.appointments
    )
    for unit in city.units:
        assert unit.rollout in ("dual", "live")
        for role, rank in (
            ("clerk", "A"),
            ("clerk", "B"),
            ("head", ""),
            ("deputy_in_charge", ""),
            ("responsible_leader", ""),
        ):
            assert duties[unit.code, role, rank] == 1


def test_the_offices_with_tasks_hold_them(city: OrgRows) -> None:
    """The operator has six separate persons for its tasks, each county its administrator, the city office an organiser."""
    wide = [
        (post.unit_code, post.role, post.scope, post.person_code)
        for post in city.appointments
        if post.scope != "unit"
    ]
    operator = {
        role: person for unit, role, scope, person in wide if unit == OPERATOR_UNIT and scope == "city"
    }
    assert set(operator) == {"organiser", "approver", "finance", "administrator", "security", "auditor"}
    assert len(set(operator.values())) == 6
    assert ("organiser", "city") in {(role, scope) for unit, role, scope, _ in wide if unit == SENDING_UNIT}
    assert sum(role == "administrator" and scope == "county" for _, role, scope, _ in wide) == 7
    tags = {unit.code: unit.tags for unit in city.units}
    assert (tags[OPERATOR_UNIT], tags[SENDING_UNIT]) == (("operator",), ("head_office",))


def test_a_few_people_have_two_posts(city: OrgRows) -> None:
    """Some people serve in two units; those of the unit outside all do, so that nobody is counted beside the city."""
    units: dict[str, set[str]] = {}
    for post in city.appointments:
        units.setdefault(post.person_code, set()).add(post.unit_code)
    double = {person for person, found in units.items() if len(found) == 2}
    assert 10 <= len(double) <= 100
    assert {post.person_code for post in city.appointments if post.unit_code == OUTSIDE_UNIT} <= double


def test_numbers_are_nobodys_and_nobody_shares_one(city: OrgRows) -> None:
    """Every number lies in the block 1540 and is unique."""
    phones = [person.phone or "" for person in city.people]
    assert all(re.fullmatch(r"1540\d{7}", phone) for phone in phones)
    assert len(set(phones)) == len(phones)
    with pytest.raises(ValueError, match="fictional numbers"):
        phone_number(10_000_000)


def test_no_place_is_on_the_map(city: OrgRows) -> None:
    """No region bears the name of a place of the sources or of a well-known place, nor could any seed give one."""
    pairs = {head + tail for head, tail in product(HEADS, TAILS)}
    assert pairs.isdisjoint(WELL_KNOWN.union(SOURCE_COUNTIES))
    stems = {region.name[:2] for region in city.regions if region.level != "village"}
    assert stems <= pairs
    assert len({region.name for region in city.regions}) == len(city.regions)


def test_place_names_do_not_run_out() -> None:
    """There are names for cities several times as large, each once."""
    names = list(place_stems(Random(1)))
    assert len(names) == len(set(names)) == 7_488
    assert all(2 <= len(person_name(Random(seed))) <= 3 for seed in range(50))


def test_the_same_seed_gives_the_same_city() -> None:
    """A city follows from its arguments alone; another seed gives another city."""
    small = {"units": 30, "persons": 300, "counties": 3}
    assert build_city(5, **small) == build_city(5, **small)
    assert build_city(5, **small) != build_city(6, **small)


@pytest.mark.parametrize(
    ("units", "persons", "counties"),
    [(8, 61, 1), (12, 200, 2), (40, 900, 7), (200, 4000, 7), (1500, 9000, 20)],
)
def test_cities_of_other_sizes_are_sound_too(units: int, persons: int, counties: int) -> None:
    """Smaller and larger cities have exactly the asked size and pass the check."""
    rows = build_city(1, units, persons, counties)
    assert (len(rows.units), len(rows.people)) == (units + 1, persons)
    checked = check(
        raw({sheet: [list(cells) for cells in found] for sheet, found in cells_of(rows).items()}), Known()
    )
    assert checked.findings == ()


@pytest.mark.parametrize(
    ("units", "persons", "counties"), [(11, 5000, 2), (40, 200, 2), (40, 900, 0), (4000, 90000, 99)]
)
def test_a_city_that_cannot_be_is_refused(units: int, persons: int, counties: int) -> None:
    """Too few units or persons for the offices of a city, or no counties, is an error that says what is needed."""
    assert units_needed(2) == 12
    with pytest.raises(ValueError, match=r"need|counties"):
        build_city(1, units, persons, counties)


def test_a_written_city_reads_back_as_it_was(tmp_path: Path) -> None:
    """Importing the written file gives the same rows."""
    rows = build_city(units=60, persons=700, counties=3)
    write_city_xlsx(rows, tmp_path / "city.xlsx")
    checked = check(read_file(tmp_path / "city.xlsx"), Known())
    assert checked.findings == ()
    assert checked.rows == rows


def test_shares_sum_exactly() -> None:
    """Shares are whole, keep their minima and sum to the total; impossible minima are refused."""
    assert shared(10, [1, 1, 1], [0, 0, 0]) == [4, 3, 3]
    assert shared(7, [5, 1], [1, 3]) == [4, 3] or sum(shared(7, [5, 1], [1, 3])) == 7
    with pytest.raises(ValueError, match="exceed"):
        shared(3, [1, 1], [2, 2])
