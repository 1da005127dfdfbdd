"""Number prefixes, the carriers they were given to, and whom to ask next."""

from __future__ import annotations

from datetime import date
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from push.sms.prefixes import ROUTES, Prefixes, next_route

TABLE = Prefixes.load((files("push.sms") / "prefixes.toml").read_text(encoding="utf-8"))

BLOCK = """
[[blocks]]
route = "{route}"
as_of = 2024-12-31
source = "{source}"
prefixes = {prefixes}
"""


def block(prefixes: str, route: str = "mobile", source: str = "核发文件") -> str:
    """One block of a table."""
    return BLOCK.format(prefixes=prefixes, route=route, source=source)


@pytest.mark.parametrize(
    ("prefixes", "route"),
    [
        ("134 135 136 137 138 139 147 150 151 152 157 158 159 172 178 182 183 184 187 188", "mobile"),
        ("195 197 198 165 1703 1705 1706 1340 1348", "mobile"),
        ("130 131 132 145 155 156 166 175 176 185 186 196 167 1704 1707 1708 1709 171 1719", "unicom"),
        ("133 149 153 173 177 180 181 189 190 191 193 199 162 1700 1701 1702 1349 17400 17405", "telecom"),
        ("192 1610", "broadnet"),
        ("1749 17406 17412 146 148 1410 1440 1441 154 164 194 1611 100 110 120 010", ""),
    ],
)
def test_the_shipped_table(prefixes: str, route: str) -> None:
    """Each prefix known leads to its network, the resold ones to their host's; others to none."""
    told = {prefix: TABLE.route_of(prefix.ljust(11, "0")) for prefix in prefixes.split()}
    assert told == dict.fromkeys(prefixes.split(), route)


def test_the_shipped_table_is_dated() -> None:
    """The table says up to which day it was checked, and covers every carrier."""
    assert TABLE.as_of >= date(2024, 12, 31)
    assert set(TABLE.routes.values()) == set(ROUTES)


@pytest.mark.parametrize(
    "number",
    [
        "",
        "1380013800",
        "138001380000",
        "8613800138000",
        "+8613800138000",
        "1380013800x",
        "１３８００１３８０００",
        "13800138000\n",
        " 1380013800",
        "09338212345",
    ],
)
def test_what_is_no_mobile_number(number: str) -> None:
    """Only 11 plain digits have a carrier: other forms are brought to it before, or are wrong."""
    assert TABLE.route_of(number) == ""


@given(st.from_regex(r"1[0-9]{10}", fullmatch=True))
def test_the_longest_prefix_wins(number: str) -> None:
    """The answer is that of the longest row the number begins with, however the table is ordered."""
    rows = [prefix for prefix in TABLE.routes if number.startswith(prefix)]
    expected = TABLE.routes[max(rows, key=len)] if rows else ""
    assert TABLE.route_of(number) == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("blocks = 1", "prefix table"),
        ("= 3", "prefix table"),
        ("blocks = []", "no blocks"),
        (block('["138"]') + 'note = "x"', "note"),
        (block('["138", "139", "138"]'), "block 1: '138' is told twice, for mobile"),
        (block('["138"]') + block('["138"]', "unicom"), "block 2: '138' is told twice, for mobile"),
        (block('["138", "13x"]'), "block 1, row 2: '13x'"),
        (block('["138", "１３９"]'), "block 1, row 2"),
        (block('["13"]'), "block 1, row 1: '13'"),
        (block('["138001"]'), "block 1, row 1: '138001'"),
        (block('["238"]'), "block 1, row 1: '238'"),
        (block("[138]"), "Expected `str`"),
        (block("[]"), "block 1: no prefixes"),
        (block('["138"]', "tietong"), "block 1: unknown carrier 'tietong'; write one of mobile"),
        (block('["138"]', source=" "), "block 1: name in `source`"),
    ],
)
def test_a_wrong_table_names_its_row(text: str, told: str) -> None:
    """What an operator wrote wrong is told with its place."""
    with pytest.raises(ValueError, match="prefix table") as fault:
        Prefixes.load(text)
    assert told in str(fault.value)


@pytest.mark.parametrize(
    ("route", "tried", "expected"),
    [
        ("mobile", [], "unicom"),
        ("mobile", ["mobile"], "unicom"),
        ("unicom", ["unicom"], "mobile"),
        ("telecom", ["unicom", "telecom"], "mobile"),
        ("mobile", ["unicom", "telecom"], "broadnet"),
        ("mobile", ["unicom", "telecom", "broadnet"], ""),
        ("", [], "mobile"),
    ],
)
def test_whom_to_ask_next(route: str, tried: list[str], expected: str) -> None:
    """A number carried along is offered to the carriers in order, each once."""
    assert next_route(route, tried) == expected


@given(st.sampled_from(ROUTES))
def test_asking_around_ends(first: str) -> None:
    """From any carrier each other one is asked exactly once."""
    tried: list[str] = []
    route = first
    while route:
        tried.append(route)
        route = next_route(route, tried)
    assert sorted(tried) == sorted(ROUTES)
