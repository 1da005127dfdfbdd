"""Which folder a document falls into."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rules.folders import DEFAULT_RULES, folder_for, folder_rules, relation_of
from inbox_store.nouns import Kind
from inbox_store.org import Unit
from tests.rules import small_city as town

DAY = date(2018, 3, 2)
CITY = town.city()


@pytest.mark.parametrize(
    ("sender", "receiver", "relation"),
    [
        (town.CITY_OFFICE, town.CITY_OFFICE, "own"),
        (town.GUEST, town.EAST_TOWNSHIP, "guest"),
        (town.CITY_OFFICE, town.CITY_EDUCATION, "superior"),  # a head office of the same region
        (town.CITY_EDUCATION, town.CITY_OFFICE, "subordinate"),
        (town.CITY_OFFICE, town.EAST_OFFICE, "superior"),
        (town.CITY_EDUCATION, town.EAST_EDUCATION, "superior"),
        (town.EAST_EDUCATION, town.CITY_EDUCATION, "subordinate"),
        (town.EAST_EDUCATION, town.EAST_SCHOOL, "superior"),
        (town.EAST_OFFICE, town.EAST_TOWNSHIP, "superior"),
        (town.EAST_TOWNSHIP, town.VILLAGE, "superior"),
        (town.EAST_EDUCATION, town.EAST_TAX, "peer"),  # a stationed unit takes the rank of its region
        (town.EAST_OFFICE, town.WEST_OFFICE, "peer"),
        (town.WEST_OFFICE, town.EAST_TOWNSHIP, "peer"),  # of another branch
        (town.EAST_TOWNSHIP, town.EAST_SCHOOL, "peer"),
        (town.CITY_SUPERVISION, town.CITY_EDUCATION, "supervisor"),
        (town.CITY_SUPERVISION, town.EAST_OFFICE, "supervisor"),
        (town.CITY_SUPERVISION, town.CITY_OFFICE, "subordinate"),
    ],
)
def test_relations(sender: Unit, receiver: Unit, relation: str) -> None:
    """What a sender is to a receiver follows from tags, region and level."""
    assert relation_of(sender, receiver, CITY) == relation


@pytest.mark.parametrize(
    ("kind", "sender", "receiver", "folder"),
    [
        ("telegram", town.CITY_OFFICE, town.EAST_OFFICE, "fax_telegram"),
        ("telegram", town.GUEST, town.EAST_OFFICE, "fax_telegram"),
        ("brief", town.CITY_OFFICE, town.EAST_OFFICE, "brief"),
        ("report", town.EAST_OFFICE, town.CITY_OFFICE, "request_report"),
        ("request", town.EAST_TOWNSHIP, town.EAST_OFFICE, "request_report"),
        ("report", town.CITY_OFFICE, town.EAST_OFFICE, "from_above"),
        ("report", town.WEST_OFFICE, town.EAST_OFFICE, "other_incoming"),
        ("slip", town.CITY_SUPERVISION, town.EAST_OFFICE, "supervision"),
        ("slip", town.CITY_SUPERVISION, town.CITY_EDUCATION, "supervision"),
        ("slip", town.CITY_OFFICE, town.EAST_OFFICE, "from_above"),
        ("notice", town.CITY_SUPERVISION, town.EAST_OFFICE, "from_above"),
        ("notice", town.CITY_OFFICE, town.VILLAGE, "from_above"),
        ("meeting_notice", town.CITY_OFFICE, town.EAST_OFFICE, "from_above"),
        ("letter", town.EAST_TAX, town.EAST_EDUCATION, "other_incoming"),
        ("letter", town.GUEST, town.EAST_OFFICE, "guest_report"),
        ("notice", town.EAST_OFFICE, town.EAST_OFFICE, "outgoing"),
    ],
)
def test_the_default_table(kind: Kind, sender: Unit, receiver: Unit, folder: str) -> None:
    """Each of the eight folders (L11) is reached by what belongs there."""
    told = folder_for(kind, relation_of(sender, receiver, CITY), sender, DEFAULT_RULES, DAY)
    assert told == folder


def test_rows_are_configured_and_dated() -> None:
    """A row of the settings goes before the defaults on its days only, and may ask for group, line and tag."""
    rows: list[dict[str, object]] = [
        {
            "folder": "supervision",
            "reason": "教育系统专项督查期间",
            "kinds": ["notice"],
            "relations": ["superior"],
            "sender_groups": ["city_direct"],
            "sender_lines": [town.EDUCATION],
            "valid_from": "2018-03-01",
            "valid_to": "2018-04-01",
        },
        {"folder": "brief", "reason": "政府办的通报", "kinds": ["circular"], "sender_tags": ["head_office"]},
    ]
    rules = (*folder_rules(rows), *DEFAULT_RULES)
    told = [
        folder_for("notice", "superior", sender, rules, day)
        for sender, day in (
            (town.CITY_EDUCATION, date(2018, 2, 28)),
            (town.CITY_EDUCATION, date(2018, 3, 1)),
            (town.CITY_EDUCATION, date(2018, 4, 1)),
            (town.CITY_OFFICE, date(2018, 3, 1)),
        )
    ]
    assert told == ["from_above", "supervision", "from_above", "from_above"]
    assert folder_for("circular", "superior", town.CITY_OFFICE, rules, DAY) == "brief"
    assert folder_for("circular", "superior", town.CITY_EDUCATION, rules, DAY) == "from_above"


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ({"folder": "attic", "reason": "x"}, "$[0].folder"),
        ({"folder": "brief"}, "reason"),
        ({"folder": "brief", "reason": "x", "kind": ["notice"]}, "kind"),
        ({"folder": "brief", "reason": "x", "relations": ["cousin"]}, "$[0].relations"),
    ],
)
def test_a_wrong_row_tells_its_place(row: dict[str, object], place: str) -> None:
    """A wrong row of the settings is named with its key."""
    with pytest.raises(ValueError, match="folder rules") as told:
        folder_rules([row])
    assert place in str(told.value)


def test_without_rules_everything_is_other_incoming() -> None:
    """An empty table never stops a dispatch."""
    assert folder_for("notice", "superior", town.CITY_OFFICE, (), DAY) == "other_incoming"


@given(st.sampled_from(town.UNITS), st.sampled_from(town.UNITS))
def test_superiors_and_subordinates_mirror(one: Unit, other: Unit) -> None:
    """Who is above one who is below: the two directions never contradict each other."""
    there, back = relation_of(one, other, CITY), relation_of(other, one, CITY)
    assert (there, back) not in {
        ("superior", "superior"),
        ("subordinate", "subordinate"),
        ("supervisor", "superior"),
    }
    assert (there == "own") is (back == "own")
    if there == "subordinate":
        assert back in {"superior", "supervisor", "guest"}
