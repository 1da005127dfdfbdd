"""The whole policy as a matrix: role x scope x place x action, against a table written by hand, role by role.

The table below is the second opinion: it is ordered by role where the policy is ordered by action, and it was written
from the duties of each role, not from the code. A new action fails here until somebody states who has it.
"""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.rules.access import (
    ACTIONS,
    HOUSE,
    KEY_ACTIONS,
    SEPARATED,
    Grant,
    Principal,
    Target,
    explain,
    mixed_duties,
    permit,
    permit_any,
    reach,
)
from inbox_store.nouns import Role, RoleScope

ME, SOMEBODY = 7, 8
UNIT, NEIGHBOUR, FAR_UNIT, CITY_UNIT = 100, 101, 200, 300
COUNTY, OTHER_COUNTY, CITY = 10, 20, 1

PLACES: dict[str, Target] = {
    "my unit": Target(unit_id=UNIT, county_id=COUNTY, person_id=SOMEBODY),
    "my matter": Target(unit_id=FAR_UNIT, county_id=OTHER_COUNTY, person_id=ME),
    "neighbour": Target(unit_id=NEIGHBOUR, county_id=COUNTY, person_id=SOMEBODY),
    "my county": Target(county_id=COUNTY, person_id=SOMEBODY),
    "other county's unit": Target(unit_id=FAR_UNIT, county_id=OTHER_COUNTY, person_id=SOMEBODY),
    "other county": Target(county_id=OTHER_COUNTY, person_id=SOMEBODY),
    "city unit": Target(unit_id=CITY_UNIT, county_id=CITY, person_id=SOMEBODY),
    "house": Target(person_id=SOMEBODY),
}

OWN_UNIT = {"my unit"}
OWN_COUNTY = {"my unit", "neighbour", "my county"}
EVERYWHERE = set(PLACES)
NOWHERE: set[str] = set()
MINE = {"my matter"}

# What a word in the table means, for an appointment of each scope.
REACHED: dict[str, dict[RoleScope, set[str]]] = {
    "unit": {"unit": OWN_UNIT, "county": OWN_UNIT, "city": OWN_UNIT},
    "scope": {"unit": OWN_UNIT, "county": OWN_COUNTY, "city": EVERYWHERE},
    "city": {"unit": NOWHERE, "county": NOWHERE, "city": EVERYWHERE},
    "all": {"unit": EVERYWHERE, "county": EVERYWHERE, "city": EVERYWHERE},
    "own": {"unit": MINE, "county": MINE, "city": MINE},
    "unit+own": {"unit": OWN_UNIT | MINE, "county": OWN_UNIT | MINE, "city": OWN_UNIT | MINE},
    "scope+own": {"unit": OWN_UNIT | MINE, "county": OWN_COUNTY | MINE, "city": EVERYWHERE},
    # A second person decides: within the scope, but never one's own.
    "unit-own": {"unit": OWN_UNIT, "county": OWN_UNIT, "city": OWN_UNIT},
    "city-own": {"unit": NOWHERE, "county": NOWHERE, "city": EVERYWHERE - MINE},
    "scope-own": {"unit": OWN_UNIT, "county": OWN_COUNTY, "city": EVERYWHERE - MINE},
}

# Everybody who has any post.
EVERYBODY = {
    "account.self": "own",
    "live.connect": "own",
    "inbox.read": "own",
    "figures.public_keys": "all",
    # An alert to everyone reaches administrators too, and what is addressed to a person that person may open.
    "document.read": "own",
    "document.open": "own",
}

# Everybody who takes part in office work: all but the three kinds of administrators.
OFFICE = EVERYBODY | {
    "org.read": "all",
    "dispatch.read": "own",
    "document.transfer": "own",
    "document.opinion": "own",
    "document.finish": "own",
    "meeting.personal": "own",
    # Whoever does office work may be absent, ask for leave, and follow both.
    "delegation.read": "own",
    "delegation.set": "own",
    "request.file": "own",
}

SENDING = {
    "dispatch.preview": "unit",
    "dispatch.submit": "unit",
    "dispatch.supplement": "unit",
    "dispatch.read": "unit+own",
    "document.recall": "unit",
    "document.urge": "unit",
    "meeting.roster": "unit",
    "meeting.check_in": "unit",
    "scopes.manage": "unit",
}

LEADING = OFFICE | {
    "org.people": "unit",
    "dispatch.read": "unit+own",
    "document.read": "unit+own",
    "document.open": "unit+own",
    "document.transfer": "unit+own",
    "document.opinion": "unit+own",
    "rates.read": "scope",
    "lights.read": "scope",
    # Never one's own request: a second person decides.
    "request.decide": "unit-own",
}

EXPECTED: dict[Role, dict[str, str]] = {
    "staff": OFFICE,
    "finance": OFFICE,
    "clerk": OFFICE
    | SENDING
    | {
        "org.people": "unit",
        "org.phones": "unit",
        "phones.manage": "unit",
        "document.read": "unit+own",
        "document.open": "unit+own",
        "document.sign": "unit",
        "document.return": "unit",
        "document.transfer": "unit+own",
        "document.opinion": "unit+own",
        "document.finish": "unit+own",
        "document.archive": "unit",
        "meeting.answer": "unit",
        "rates.read": "unit",
        "lights.read": "unit",
        "reach.read": "unit",
    },
    "organiser": OFFICE
    | SENDING
    | {"org.people": "unit", "document.read": "unit+own", "document.open": "unit+own"},
    "head": LEADING,
    "deputy_in_charge": LEADING,
    "responsible_leader": LEADING,
    "approver": OFFICE
    | {
        "dispatch.read": "scope+own",
        "dispatch.review": "scope",
        "dispatch.approve": "scope-own",
        "sms_switch.read": "scope",
        "sms_switch.decide": "city-own",
        "exemptions.manage": "scope",
        "series.manage": "scope",
    },
    "supervisor": OFFICE
    | {
        "dispatch.read": "scope+own",
        "sms_switch.read": "scope",
        "rates.read": "scope",
        "rates.recount": "city",
        "metrics.read": "city",
        "document.urge": "scope",
        "lights.read": "scope",
        "lights.instruct": "scope",
        "supervising.read": "scope",
    },
    "administrator": EVERYBODY
    | {
        "org.read": "scope",
        "org.people": "scope",
        "org.phones": "scope",
        "phones.manage": "scope",
        "sms_switch.read": "scope",
        "sms_switch.apply": "scope",
        "sms.read": "city",
        "org.import": "scope",
        "org.template": "all",
        "supervising.read": "scope",
        "supervising.set": "city",
        "delegation.read": "scope",
        "delegation.set": "scope",
        "reach.read": "scope",
        "account.list": "scope",
        "account.freeze": "scope",
        "account.close": "scope",
        "account.activation_codes": "scope",
        "scopes.manage": "scope",
        "rates.recount": "city",
        "metrics.read": "city",
        "settings.read": "city",
    },
    "security": EVERYBODY
    | {
        "org.read": "scope",
        "org.people": "scope",
        "account.list": "scope",
        "account.unlock": "scope",
        "account.revoke": "scope",
        "account.api_key": "scope",
        "delegation.read": "scope",
        "settings.read": "city",
    },
    "auditor": EVERYBODY | {"audit.read": "scope", "audit.verify": "all"},
}

ROLES = get_args(Role)
SCOPES = get_args(RoleScope)


def person(*grants: Grant) -> Principal:
    """A person with these posts."""
    return Principal(person_id=ME, account_id=70, name="王芳", grants=frozenset(grants))


def post(role: Role, scope: RoleScope = "unit", unit_id: int = UNIT, county_id: int = COUNTY) -> Grant:
    """One post in the home unit."""
    return Grant(role=role, scope=scope, unit_id=unit_id, county_id=county_id)


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("role", ROLES)
def test_matrix(role: Role, scope: RoleScope) -> None:
    """Each role in each scope may do each action in exactly the places the table states."""
    who = person(post(role, scope))
    allowed = {
        action: {place for place, target in PLACES.items() if permit(who, action, target)}
        for action in ACTIONS
    }
    expected = {
        action: REACHED[EXPECTED[role][action]][scope] if action in EXPECTED[role] else NOWHERE
        for action in ACTIONS
    }
    assert allowed == expected


def test_the_table_names_every_action() -> None:
    """No action is without a holder, and the table names none that the policy does not know."""
    assert {action for told in EXPECTED.values() for action in told} == set(ACTIONS)


def test_a_county_of_the_city_covers_city_units_only() -> None:
    """A county-wide post in a city-level unit reaches the units of the city region, and no county below it."""
    who = person(post("administrator", "county", CITY_UNIT, CITY))
    allowed = {place for place, target in PLACES.items() if permit(who, "account.freeze", target)}
    assert allowed == {"city unit"}


def test_a_unit_in_no_county_gives_no_county() -> None:
    """A county-wide post in a unit that lies nowhere gives nothing county-wide, not even over other such units."""
    who = person(post("administrator", "county", UNIT, 0))
    assert not reach(who, "account.freeze")
    assert not permit(who, "account.freeze", Target(unit_id=NEIGHBOUR, county_id=0))


def test_what_is_not_written_is_denied() -> None:
    """An unknown action, an empty action and a person without any post are refused everywhere."""
    chief = person(*(post(role, "city") for role in ROLES if role not in SEPARATED))
    assert [target for target in PLACES.values() if permit(chief, "document.burn", target)] == []
    assert [target for target in PLACES.values() if permit(chief, "", target)] == []
    assert [action for action in ACTIONS if reach(person(), action)] == []


@pytest.mark.parametrize(
    "pair", [("administrator", "security"), ("administrator", "auditor"), ("security", "auditor")]
)
def test_separated_duties_held_together_count_for_nothing(pair: tuple[Role, Role]) -> None:
    """Of two administrators' duties on one person neither works; the person's office work goes on."""
    who = person(*(post(role, "city") for role in pair), post("clerk"))
    clerk = person(post("clerk"))
    assert set(mixed_duties(pair)) == set(pair)
    assert {a: reach(who, a) for a in ACTIONS} == {a: reach(clerk, a) for a in ACTIONS}
    assert explain(who, "audit.read", HOUSE).code == ("no_role" if "auditor" not in pair else "duties_mixed")


def test_one_separated_duty_is_no_mixture() -> None:
    """Two posts of the same administrator's duty, or one beside office roles, stand."""
    assert mixed_duties(["administrator", "administrator", "staff"]) == ()
    assert mixed_duties([]) == ()


def test_nobody_approves_his_own_submission() -> None:
    """The author, and a submission whose author is unknown, are refused even to a city-wide approver."""
    who = person(post("approver", "city"))
    place = {"unit_id": UNIT, "county_id": COUNTY}
    assert permit(who, "dispatch.approve", Target(**place, person_id=SOMEBODY))
    assert not permit(who, "dispatch.approve", Target(**place, person_id=ME))
    assert not permit(who, "dispatch.approve", Target(**place))
    assert explain(who, "dispatch.approve", Target(**place, person_id=ME)).code == "own_submission"


def test_an_agent_and_the_absent_are_one_hand() -> None:
    """What the absent submitted the agent does not approve, nor the other way round; anybody else's, both may."""
    who = replace(person(post("approver", "city")), alike=frozenset({SOMEBODY}))
    place = {"unit_id": UNIT, "county_id": COUNTY}
    assert not permit(who, "dispatch.approve", Target(**place, person_id=SOMEBODY))
    assert not permit(who, "dispatch.approve", Target(**place, person_id=ME))
    assert permit(who, "dispatch.approve", Target(**place, person_id=99))
    assert explain(who, "dispatch.approve", Target(**place, person_id=SOMEBODY)).code == "own_submission"


def test_several_posts_add_up_and_do_not_mix() -> None:
    """A clerk of one unit who is staff of another signs for the first only."""
    who = person(post("clerk"), post("staff", unit_id=NEIGHBOUR))
    assert reach(who, "document.sign").unit_ids == {UNIT}
    assert who.units_as("clerk", "staff") == {UNIT, NEIGHBOUR}


def test_a_document_is_read_through_any_of_its_parties() -> None:
    """One party within reach is enough; none is refused."""
    who = person(post("clerk"))
    assert permit_any(who, "document.read", [PLACES["city unit"], PLACES["my unit"]])
    assert not permit_any(who, "document.read", [PLACES["city unit"], PLACES["neighbour"]])
    assert not permit_any(who, "document.read", [])


def key(actions: frozenset[str] | None, role: Role = "clerk", scope: RoleScope = "unit") -> Principal:
    """Another system's key, answered for by ME."""
    return Principal(
        person_id=ME,
        account_id=-3,
        name="县教育局办公系统",
        grants=frozenset({post(role, scope)}),
        kind="api_key",
        actions=actions,
    )


def test_keys_may_only_what_keys_may() -> None:
    """Signing, deciding and administering stay with persons; a key with every action has only the givable ones."""
    assert {
        "org.read",
        "dispatch.preview",
        "dispatch.submit",
        "dispatch.supplement",
        "dispatch.read",
        "document.recall",
        "document.read",
        "meeting.roster",
        "meeting.check_in",
        "rates.read",
        "metrics.read",
        "figures.public_keys",
    } == KEY_ACTIONS
    for role in ROLES:
        all_of_it = key(frozenset(ACTIONS), role, "city")
        assert {action for action in ACTIONS if reach(all_of_it, action)} <= KEY_ACTIONS


def test_a_key_has_its_explicit_actions_only() -> None:
    """What is not on the key's list is refused, a key without a list has nothing, and nothing is its own."""
    sender = key(frozenset({"dispatch.submit", "document.read"}))
    assert {action for action in ACTIONS if reach(sender, action)} == {"dispatch.submit", "document.read"}
    assert not permit(sender, "document.read", PLACES["my matter"])
    assert [action for action in ACTIONS if reach(key(None), action)] == []
    assert explain(sender, "dispatch.recall", HOUSE).code == "unknown_action"
    assert explain(sender, "document.recall", PLACES["my unit"]).code == "not_for_keys"


def test_an_action_list_narrows_a_person_too() -> None:
    """A person's token narrowed to one action gives that action and no other."""
    who = Principal(
        person_id=ME,
        account_id=70,
        name="王芳",
        grants=frozenset({post("clerk")}),
        actions=frozenset({"inbox.read"}),
    )
    assert {action for action in ACTIONS if reach(who, action)} == {"inbox.read"}


GRANTS = st.builds(
    Grant,
    role=st.sampled_from(ROLES),
    scope=st.sampled_from(SCOPES),
    unit_id=st.sampled_from([UNIT, NEIGHBOUR, FAR_UNIT, CITY_UNIT]),
    county_id=st.sampled_from([COUNTY, OTHER_COUNTY, CITY, 0]),
)
TARGETS = st.builds(
    Target,
    unit_id=st.sampled_from([None, UNIT, NEIGHBOUR, FAR_UNIT, CITY_UNIT]),
    county_id=st.sampled_from([None, COUNTY, OTHER_COUNTY, CITY]),
    person_id=st.sampled_from([None, ME, SOMEBODY]),
)
ANY_ACTION = st.sampled_from([*ACTIONS, "document.burn"])


@given(st.frozensets(GRANTS, max_size=4), ANY_ACTION, TARGETS)
def test_the_reason_agrees_with_the_answer(grants: frozenset[Grant], action: str, target: Target) -> None:
    """Whatever the posts, action and place: explain says granted exactly when permit says yes."""
    who = person(*grants)
    assert explain(who, action, target).allowed == permit(who, action, target)
    assert (explain(who, action, target).code == "granted") == permit(who, action, target)


@given(st.frozensets(GRANTS, max_size=3), GRANTS, ANY_ACTION, TARGETS)
def test_another_office_post_takes_nothing_away(
    grants: frozenset[Grant], more: Grant, action: str, target: Target
) -> None:
    """A further office post only adds; only a second separated duty can take away."""
    if more.role in SEPARATED:
        return
    if permit(person(*grants), action, target):
        assert permit(person(*grants, more), action, target)


@given(st.frozensets(GRANTS, max_size=3), ANY_ACTION, TARGETS)
def test_a_list_sees_what_the_door_opens(grants: frozenset[Grant], action: str, target: Target) -> None:
    """The predicate that a list query builds from reach selects a row exactly when the door would permit it."""
    who = person(*grants)
    got = reach(who, action)
    placed = got.all or target.unit_id in got.unit_ids or target.county_id in got.county_ids
    mine = target.person_id == ME
    selected = placed or (got.own and mine)
    if got.not_own:
        selected = placed and target.person_id not in (None, ME)
    assert selected == permit(who, action, target)
