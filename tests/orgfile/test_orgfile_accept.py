"""The good rows of a faulty file: what is good and leans only on good rows or the store."""

from __future__ import annotations

import pytest

from gateway.orgfile.known import Known
from tests.orgfile.sheets import HEADERS, judged, sound


def spoilt(sheet: str, row: int, header: str, text: str) -> dict[str, list[list[str]]]:
    """The sound tables with one cell spoilt."""
    tables = sound()
    tables[sheet][row - 2][HEADERS[sheet].index(header)] = text
    return tables


@pytest.mark.parametrize(
    ("place", "regions", "units", "sections", "people", "posts"),
    [
        (("地区", 5, "级别", "屯"), 3, 2, 1, 5, 6),
        (("地区", 3, "上级地区编码", "77"), 1, 1, 1, 4, 4),
        (("条线", 2, "条线名称", ""), 4, 1, 1, 4, 4),
        (("单位", 2, "单位类别", "省直"), 4, 1, 0, 2, 2),
        (("科室", 2, "科室名称", ""), 4, 2, 0, 4, 5),
        (("人员", 6, "职务", "=1"), 4, 2, 1, 5, 5),
        (("人员", 6, "姓名", ""), 4, 2, 1, 4, 4),
        (("人员", 3, "手机号", "13800000001"), 4, 2, 1, 3, 4),
    ],
)
def test_only_what_leans_on_good_rows_is_kept(
    place: tuple[str, int, str, str], regions: int, units: int, sections: int, people: int, posts: int
) -> None:
    """A bad row goes, and with it all that refers to it; a fault of a person takes all posts of that person."""
    checked = judged(spoilt(*place))
    good = checked.good
    counts = [len(part) for part in (good.regions, good.units, good.sections, good.people, good.appointments)]
    assert counts == [regions, units, sections, people, posts]
    assert checked.rows.units == ()


def test_what_is_left_out_is_named() -> None:
    """Rows without a fault of their own that stay out are named with what they lean on."""
    checked = judged(spoilt("单位", 2, "单位类别", "省直"))
    assert [(found.sheet, found.row) for found in checked.left_out] == [
        ("科室", 2),
        ("人员", 2),
        ("人员", 3),
        ("人员", 4),
        ("人员", 7),
    ]
    assert "单位" in checked.left_out[0].reason


def test_the_store_can_be_leaned_on() -> None:
    """A unit whose row is bad and which the store knows already still carries its people."""
    known = Known(regions={"99": "city"}, units={"U1": "99"})
    checked = judged(spoilt("单位", 2, "单位类别", "省直"), known)
    assert len(checked.good.people) == 5
    assert [unit.code for unit in checked.good.units] == ["U2"]


def test_regions_stand_after_their_parents() -> None:
    """However the file orders its regions, parents come first."""
    tables = sound()
    tables["地区"].reverse()
    assert [region.code for region in judged(tables).rows.regions] == ["99", "9901", "990101", "99010101"]
