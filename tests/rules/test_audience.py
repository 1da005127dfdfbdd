"""From a scope to its units."""

from __future__ import annotations

from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rules.audience import Audience, Scope, Selection, general, resolve, width
from inbox_store.nouns import Folder
from inbox_store.org import Organisation, Unit
from tests.rules import small_city as town

AT = 1_000
SAVED = {1: frozenset({20, 21}), 2: frozenset({23, 99})}
ALL = tuple(unit.id for unit in town.UNITS)


def folder_of(_unit: Unit) -> Folder:
    """Every unit finds it in the same folder."""
    return "from_above"


def expand(scope: Scope, organisation: Organisation | None = None) -> Audience:
    """The scope of a dispatch by the city's office."""
    org = organisation or town.city()
    return resolve(scope, org, AT, SAVED, sender_id=town.CITY_OFFICE.id, folder_of=folder_of)


def ids(audience: Audience) -> list[int]:
    """The units addressed, in the order told."""
    return [unit.unit_id for unit in audience.units]


def faults(audience: Audience) -> list[tuple[str, int | None]]:
    """The faults without their reasons."""
    return [(fault.code, fault.ref) for fault in audience.faults]


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (Scope(units=frozenset({21, 20})), [20, 21]),
        (Scope(regions=frozenset({town.EAST})), [20, 21, 22, 23, 24, 25]),
        (Scope(regions=frozenset({town.EAST_TOWN})), [23, 25]),
        (Scope(groups=frozenset({"county_direct"})), [20, 21, 30]),
        (
            Scope(regions=frozenset({town.EAST}), groups=frozenset({"county_direct", "township"})),
            [20, 21, 23],
        ),
        (Scope(lines=frozenset({town.EDUCATION})), [11, 21, 24]),
        (Scope(lines=frozenset({town.EDUCATION}), groups=frozenset({"school"})), [24]),
        (Scope(tags=frozenset({"head_office"})), [20]),
        (Scope(saved=frozenset({1}), units=frozenset({30})), [20, 21, 30]),
        (
            Scope(groups=frozenset({"school"}), also=(Selection(lines=frozenset({town.TAX})),)),
            [22, 24],
        ),
        (
            Scope(
                regions=frozenset({town.EAST}), exclusions=Selection(groups=frozenset({"village", "school"}))
            ),
            [20, 21, 22, 23],
        ),
        (Scope(everyone=True), [i for i in ALL if i != 10]),
        (Scope(everyone=True, regions=frozenset({town.WEST})), [30]),
        (Scope(everyone=True, exclusions=Selection(regions=frozenset({town.EAST}))), [11, 12, 30, 40]),
    ],
)
def test_what_a_scope_means(scope: Scope, expected: list[int]) -> None:
    """Parts narrow one another, named and saved units and further descriptions add, exclusions take away."""
    audience = expand(scope)
    assert (ids(audience), audience.faults) == (expected, ())


def test_the_sender_receives_nothing_and_to_wins_over_cc() -> None:
    """A unit stands once: principal before copy; the sender never."""
    scope = Scope(
        units=frozenset({10, 20, 21}), cc=Selection(units=frozenset({21, 22, 10}), tags=frozenset({"guest"}))
    )
    audience = expand(scope)
    assert [(unit.unit_id, unit.role) for unit in audience.units] == [
        (20, "to"),
        (21, "to"),
        (22, "cc"),
        (40, "cc"),
    ]
    assert {unit.folder for unit in audience.units} == {"from_above"}


def test_an_exclusion_covers_copies_and_faults() -> None:
    """What is excluded is gone, whatever names it, and is nobody's fault."""
    org = town.city(town.frozen(town.EAST_TAX, AT))
    scope = Scope(
        units=frozenset({20, 22}),
        cc=Selection(units=frozenset({21})),
        exclusions=Selection(units=frozenset({21, 22})),
    )
    audience = expand(scope, org)
    assert (ids(audience), audience.faults) == ([20], ())


@pytest.mark.parametrize(
    ("changed", "code", "word"),
    [
        ({"frozen_at": AT}, "unit_frozen", "已冻结"),
        ({"active_to": AT}, "unit_not_live", "已撤销"),
        ({"active_from": AT + 1}, "unit_not_live", "尚未成立"),
        ({"rollout": "trained"}, "unit_not_live", "尚未开通"),
    ],
)
def test_named_units_that_cannot_receive_are_faults(changed: dict[str, object], code: str, word: str) -> None:
    """A unit that somebody named is never silently left out: the fault names it and says why."""
    unit: Unit = msgspec.structs.replace(town.EAST_TAX, **changed)
    audience = expand(Scope(units=frozenset({20, 22})), town.city(unit))
    assert faults(audience) == [(code, 22)]
    assert word in audience.faults[0].reason
    assert "东川县税务局" in audience.faults[0].reason
    assert ids(audience) == [20]


def test_described_units_that_cannot_receive_are_shown() -> None:
    """Units met by description are left out and told; those dissolved long ago are no news unless saved."""
    dissolved: Unit = msgspec.structs.replace(town.EAST_SCHOOL, active_to=AT - 1)
    org = town.city(town.frozen(town.EAST_TAX, AT), dissolved)
    audience = expand(Scope(regions=frozenset({town.EAST})), org)
    assert (ids(audience), audience.faults, audience.left_out) == ([20, 21, 23, 25], (), (22,))
    saved = expand(Scope(saved=frozenset({2})), org)
    assert (ids(saved), saved.faults, saved.left_out) == ([23], (), (99,))


def test_unknown_references_are_all_named() -> None:
    """Every reference to nothing is a fault, in the scope, its copies and its exclusions."""
    scope = Scope(
        units=frozenset({98, 20}),
        regions=frozenset({77}),
        also=(Selection(lines=frozenset({66})),),
        cc=Selection(saved=frozenset({55}), units=frozenset({97})),
        exclusions=Selection(units=frozenset({96})),
    )
    assert faults(expand(scope)) == [
        ("region_unknown", 77),
        ("line_unknown", 66),
        ("saved_scope_unknown", 55),
        ("unit_unknown", 96),
        ("unit_unknown", 97),
        ("unit_unknown", 98),
    ]


@pytest.mark.parametrize("scope", [Scope(), Scope(units=frozenset({10})), Scope(tags=frozenset({"nobody"}))])
def test_an_empty_audience_is_a_fault(scope: Scope) -> None:
    """A dispatch to nobody is refused."""
    assert faults(expand(scope)) == [("scope_empty", None)]


def test_width_and_general() -> None:
    """Width is the share of live units; half of them is general, and supplements count with what went before."""
    org = town.city(town.frozen(town.GUEST, AT))  # ten live units
    four, five = (
        expand(Scope(units=frozenset(chosen)), org) for chosen in ({20, 21, 22, 23}, {20, 21, 22, 23, 24})
    )
    assert (width(four, org, AT), width(five, org, AT)) == (Fraction(2, 5), Fraction(1, 2))
    assert not general(width(four, org, AT))
    assert general(width(five, org, AT))
    assert general(width(four, org, AT, already=frozenset({11, 20})))
    assert general(width(four, org, AT), mark=Fraction(1, 5))
    assert width(four, Organisation(regions={}, lines={}, units={}), AT) == 0


def some(values: tuple[int, ...]) -> st.SearchStrategy[frozenset[int]]:
    """Subsets of ids."""
    return st.frozensets(st.sampled_from(values))


selections = st.builds(
    Selection,
    units=some(ALL),
    regions=some((1, 2, 3, 4, 5)),
    groups=st.frozensets(st.sampled_from(["city_direct", "county_direct", "school"])),
    lines=some((1, 2)),
    saved=some((1, 2)),
)


@given(to=selections, cc=selections, out=selections, ice=some(ALL), everyone=st.booleans())
def test_every_audience_holds(
    *, to: Selection, cc: Selection, out: Selection, ice: frozenset[int], everyone: bool
) -> None:
    """Each unit stands once, in order, is live, is not the sender and not excluded; the answer is always the same."""
    org = town.city(*(town.frozen(unit, AT) for unit in town.UNITS if unit.id in ice))
    scope = Scope(also=(to,), cc=cc, exclusions=out, everyone=everyone)
    audience = expand(scope, org)
    told = ids(audience)
    live = {unit.id for unit in org.live_units(AT)}
    assert told == sorted(set(told))
    assert set(told) <= live - {10} - out.units
    assert set(told).isdisjoint(audience.left_out)
    assert {fault.ref for fault in audience.faults if fault.code == "unit_frozen"} <= ice
    assert told or audience.faults
    assert audience == expand(scope, org)
    principals = expand(Scope(also=(to,), exclusions=out, everyone=everyone), org)
    assert [unit.unit_id for unit in audience.units if unit.role == "to"] == ids(principals)


def test_a_scope_is_read_from_json() -> None:
    """The noun is what the API takes: unknown keys are refused, lists become sets."""
    scope = msgspec.json.decode(b'{"groups":["school"],"cc":{"units":[20]},"everyone":false}', type=Scope)
    assert ids(expand(scope)) == [20, 24]
    with pytest.raises(msgspec.ValidationError, match="group"):
        msgspec.json.decode(b'{"group":["school"]}', type=Scope)
