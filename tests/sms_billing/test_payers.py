"""Who pays (sms-charges 4.3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox_store.errors import Refused
from inbox_store.times import parse_iso
from sms_billing.lines import purpose_of
from sms_billing.payers import (
    COUNTIES_PAY_FROM,
    SOURCE_RULES,
    Membership,
    Memberships,
    PayerRule,
    Payers,
    PayingRegion,
    UsePolicy,
    faults,
    originator,
    recorded,
)
from sms_billing.spans import Timeline
from sms_billing.tariff import Tariff, price
from tests.sms_billing.facts import CITY, NORTH, SOUTH, accepted

RECIPIENT = UsePolicy(from_year=2019, whose="recipient")
ORIGINATOR = UsePolicy(from_year=2018, whose="originator")


@pytest.mark.parametrize(
    ("when", "region_id", "payer_id"),
    [
        ("2018-03-31T23:59:59.999999", NORTH, CITY),
        ("2018-04-01T00:00:00", NORTH, NORTH),
        ("2018-03-31T23:59:59.999999", CITY, CITY),
        ("2018-04-01T00:00:00", CITY, CITY),
        ("2030-01-01T00:00:00", SOUTH, SOUTH),
    ],
)
def test_the_source_rules(when: str, region_id: int, payer_id: int) -> None:
    """The city pays for its units always, and for county units until 2018-03-31 24:00 in Beijing (C1, C2)."""
    assert Payers(CITY).payer(accepted(when, region_id=region_id)).region_id == payer_id


@pytest.mark.parametrize(
    ("kind", "acceptance_no", "purpose"),
    [
        ("arrival", 1, "document"),
        ("urge", 1, "document"),
        ("red_light", 1, "document"),
        ("code", 1, "code"),
        ("drill", 1, "drill"),
        ("operator", 1, "operator"),
        ("arrival", 2, "duplicate"),
        ("code", 3, "duplicate"),
    ],
)
def test_the_citys_own(kind: str, acceptance_no: int, purpose: str) -> None:
    """Codes, drills, operator notices and second acceptances are the city's, whoever caused them (C6)."""
    fact = accepted(kind=kind, acceptance_no=acceptance_no)
    assert purpose_of(fact) == purpose
    payer = Payers(CITY).payer(fact, purpose_of(fact))
    assert payer.region_id == (NORTH if purpose == "document" else CITY)
    assert purpose_of(accepted(is_test=1)) == "drill"


def test_one_policy_a_year() -> None:
    """Under ``recipient`` the county of the staff pays, from the first moment of the year it is recorded for (C3)."""
    payers = Payers(CITY, policies=[RECIPIENT, ORIGINATOR])
    told = [
        payers.payer(accepted(when)).region_id
        for when in ("2018-12-31T23:59:59.999999", "2019-01-01T00:00:00", "2025-06-01")
    ]
    assert told == [NORTH, SOUTH, SOUTH]
    with pytest.raises(Refused, match="no_policy"):
        payers.payer(accepted("2017-12-31"))


def test_a_begun_year_keeps_its_policy() -> None:
    """A policy is recorded for a year to come, once."""
    listed = recorded([ORIGINATOR], RECIPIENT, 2018)
    assert listed == (ORIGINATOR, RECIPIENT)
    with pytest.raises(Refused, match="policy_year_begun"):
        recorded(listed, UsePolicy(from_year=2018, whose="recipient"), 2018)
    with pytest.raises(Refused, match="policy_recorded"):
        recorded(listed, UsePolicy(from_year=2019, whose="originator"), 2018)


def test_urging() -> None:
    """Automatic urging is the sender's use, a manual urge that of the supervisor's unit (C4)."""
    assert originator(10, None) == 10
    assert originator(10, 20) == 20


def test_stationed_units() -> None:
    """A stationed unit pays where its dated attribute says, otherwise where it is entered (C5)."""
    attribute = PayingRegion(
        unit_id=20, region_id=CITY, from_at=parse_iso("2018-05-01"), to_at=parse_iso("2018-06-01")
    )
    payers = Payers(CITY, stationed=[attribute])
    days = ("2018-04-30T23:59:59", "2018-05-01", "2018-05-31T23:59:59", "2018-06-01")
    assert [payers.payer(accepted(day)).region_id for day in days] == [NORTH, CITY, CITY, NORTH]
    assert payers.payer(accepted("2018-05-02", unit_id=21)).region_id == NORTH


def test_the_override_is_the_citys() -> None:
    """What goes to a switched-off county because it is extra urgent is paid by the city (P66)."""
    assert Payers(CITY).payer(accepted(), override=True) == (CITY, "override")


def test_the_words_of_a_line() -> None:
    """A line says whose use it is and under which rule, with their dates."""
    assert Payers(CITY).payer(accepted()) == (NORTH, "o2018/county 2018-04-01")


def test_the_comparison_is_the_other_policy() -> None:
    """Under ``originator`` the comparison names who would pay as recipient, and the other way round."""
    payers = Payers(CITY, policies=[ORIGINATOR, RECIPIENT])
    assert payers.compared(20, NORTH, SOUTH, parse_iso("2018-05-01")) == SOUTH
    assert payers.compared(20, NORTH, SOUTH, parse_iso("2019-05-01")) == NORTH
    assert payers.compared(20, NORTH, SOUTH, parse_iso("2018-03-01")) == CITY


def test_faults_of_rules() -> None:
    """The source's rules have none; what is missing or doubled is named with its place and time."""
    assert faults(SOURCE_RULES, 0) == ()
    broken = (
        PayerRule(place="county", pays="city", from_at=0, to_at=5),
        PayerRule(place="county", pays="own", from_at=9),
        PayerRule(place="city", pays="city", from_at=0),
        PayerRule(place="city", pays="own", from_at=0),
    )
    told = [(fault.code, fault.place, fault.from_at, fault.to_at) for fault in faults(broken, 0)]
    assert told == [("overlap", "city", 0, None), ("gap", "county", 5, 9)]
    with pytest.raises(Refused, match="no_payer"):
        Payers(CITY, rules=[rule for rule in SOURCE_RULES if rule.place == "city"]).payer(accepted())


def test_the_region_of_the_moment() -> None:
    """A village school is its county's, by the links valid then; the moment of a move belongs to the new place (C9)."""
    moved = parse_iso("2018-07-15")
    places = Memberships(
        {CITY: "city", NORTH: "county", SOUTH: "county", 40: "township", 50: "village"},
        units=[
            Membership(child_id=20, parent_id=50, from_at=0, to_at=moved),
            Membership(child_id=20, parent_id=CITY, from_at=moved),
        ],
        regions=[
            Membership(child_id=50, parent_id=40, from_at=0),
            Membership(child_id=40, parent_id=NORTH, from_at=0, to_at=parse_iso("2018-05-01")),
            Membership(child_id=40, parent_id=SOUTH, from_at=parse_iso("2018-05-01")),
            Membership(child_id=NORTH, parent_id=CITY, from_at=0),
        ],
    )
    days = ("2018-04-30", "2018-05-01", "2018-07-14T23:59:59.999999", "2018-07-15")
    assert [places.county(20, parse_iso(day)) for day in days] == [NORTH, SOUTH, SOUTH, CITY]
    for unit_id, at in ((20, -1), (99, 0)):
        with pytest.raises(Refused, match="no_region"):
            places.county(unit_id, at)


def test_a_ring_of_links_ends() -> None:
    """Regions that are each other's parents are refused, not walked for ever."""
    ring = [Membership(child_id=a, parent_id=b, from_at=0) for a, b in ((40, 41), (41, 40))]
    places = Memberships(
        {40: "township", 41: "township"}, [Membership(child_id=1, parent_id=40, from_at=0)], ring
    )
    with pytest.raises(Refused, match="no_region"):
        places.county(1, 5)


spans = st.lists(st.tuples(st.integers(0, 30), st.none() | st.integers(1, 20), st.integers(0, 3)), max_size=6)


@given(spans)
def test_a_timeline_is_the_price_of_the_moment(listed: list[tuple[int, int | None, int]]) -> None:
    """The look-up by bisection answers as the plain rule does, at every moment."""
    tariffs = [
        Tariff(price_li=li, from_at=start, to_at=None if length is None else start + length)
        for start, length, li in listed
    ]
    timeline = Timeline(tariffs)
    for at in range(-1, 60):
        try:
            wanted: Tariff | None = price(tariffs, at)
        except Refused:
            wanted = None
        assert timeline.at(at) == wanted


@given(st.integers(0, 2 * COUNTIES_PAY_FROM), st.sampled_from([CITY, NORTH, SOUTH]))
def test_somebody_pays_at_every_moment(at: int, region_id: int) -> None:
    """Under the source's rules each moment has a payer: the city, or the county itself."""
    payer = Payers(CITY).payer(accepted(accepted_at=at, region_id=region_id))
    assert payer.region_id in {CITY, region_id}
