"""Whether a short message may leave now, why not, and until when it waits."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rules.sms_policy import (
    PRESSING,
    REASONS_ZH,
    TTL_MINUTES,
    WAKING_KINDS,
    Leave,
    SmsRules,
    expires_at,
    judge,
    priority_of,
    quiet_until,
)
from inbox_store.messages import Facts, Stop, Wait
from inbox_store.nouns import URGENCY_ZH
from inbox_store.programs.sms import PRIORITIES
from inbox_store.times import DAY_US, day_at, parse_iso

MINUTE = 60_000_000
HOUR = 60 * MINUTE
NOON = parse_iso("2026-03-02T12:00")
LATE = parse_iso("2026-03-02T23:30")
NIGHT = SmsRules(quiet_from=22 * 60, quiet_to=7 * 60, person_day=3, unit_day=100)

PLAIN = Facts(
    order_id=1,
    alert_id=1,
    kind="arrival",
    round=0,
    document_id=1,
    unit_id=7,
    region_id=2,
    urgency="ordinary",
    text="【平凉市委办】您有新公文",
    is_test=0,
    recalled=0,
    created_at=NOON - HOUR,
    person_id=9,
    to_unit_id=8,
    to_region_id=3,
    to_off=0,
    off=0,
    phone_sealed=b"sealed",
    phone_key=1,
    route="mobile",
    bad=0,
    refused="",
    priority=2,
    due_at=NOON - HOUR,
    expires_at=NOON + 36 * HOUR,
    segments=1,
    tries=0,
    sent_today=0,
    unit_today=0,
)
URGENCIES = sorted(URGENCY_ZH)
KINDS = sorted(TTL_MINUTES)
STOPPERS: tuple[tuple[dict[str, object], Stop], ...] = (
    ({"recalled": 1}, Stop(state="cancelled", reason="recalled")),
    ({"expires_at": NOON}, Stop(state="expired", reason="expired")),
    ({"done": 1}, Stop(state="cancelled", reason="done")),
    ({"phone_sealed": None}, Stop(state="failed", reason="no_number")),
    ({"bad": 1}, Stop(state="failed", reason="bad_number")),
    ({"refused": "urge,arrival"}, Stop(state="suppressed", reason="refused")),
    ({"to_off": 1}, Stop(state="suppressed", reason="switched_off")),
    ({"tries": 5}, Stop(state="failed", reason="tries")),
)


def facts(**changed: object) -> Facts:
    """An ordinary order that may leave at noon, with what is changed."""
    return msgspec.structs.replace(PLAIN, **changed)


def test_nothing_stands_in_the_way() -> None:
    """An ordinary message leaves at noon, and is not told as overriding anything."""
    assert judge(PLAIN, NOON, NIGHT) == Leave(overridden=False)
    assert judge(PLAIN, LATE, SmsRules()) == Leave()


@pytest.mark.parametrize("place", range(len(STOPPERS)))
def test_the_first_reason_is_told(place: int) -> None:
    """Of all that stops a message the first in the order of reasons is told, whatever else holds; each stops alone."""
    changes, stop = STOPPERS[place]
    later = {name: value for more, _ in STOPPERS[place:] for name, value in more.items()}
    assert judge(facts(**changes), NOON, NIGHT) == stop
    assert judge(facts(**later), NOON, NIGHT) == stop
    assert judge(facts(**later, sent_today=9, unit_today=900), NOON, NIGHT) == stop


@pytest.mark.parametrize("side", ["off", "to_off"])
@pytest.mark.parametrize("urgency", URGENCIES)
@pytest.mark.parametrize("override", [False, True])
def test_a_county_switched_off(side: str, urgency: str, *, override: bool) -> None:
    """Its own people and its own units send and get nothing, but what is extra urgent where the city set it."""
    told = judge(facts(**{side: 1, "urgency": urgency}), NOON, SmsRules(urgent_override=override))
    if override and urgency in PRESSING:
        assert told == Leave(overridden=True)
    else:
        assert told == Stop(state="suppressed", reason="switched_off")


@pytest.mark.parametrize(
    ("refused", "urgency", "leaves"),
    [
        ("arrival", "ordinary", False),
        ("urge, arrival", "urgent", False),
        ("urge,red_light", "ordinary", True),
        ("arrivals", "ordinary", True),  # another word, not a part of one
        ("arrival", "extra_urgent", True),
        ("arrival", "flash", True),
    ],
)
def test_a_class_refused_by_the_person(refused: str, urgency: str, *, leaves: bool) -> None:
    """What a person has refused is not sent; extra urgent and flash pass."""
    told = judge(facts(refused=refused, urgency=urgency), NOON, NIGHT)
    assert told == (Leave() if leaves else Stop(state="suppressed", reason="refused"))


def test_overriding_does_not_mend_the_rest() -> None:
    """An override passes the switch only: tries still end."""
    pressing = facts(off=1, urgency="flash", tries=5)
    assert judge(pressing, NOON, SmsRules(urgent_override=True)) == Stop(state="failed", reason="tries")


@pytest.mark.parametrize(
    ("start", "end", "now", "until"),
    [
        ("22:00", "07:00", "2026-03-02T21:59:59.999999", None),
        ("22:00", "07:00", "2026-03-02T22:00", "2026-03-03T07:00"),
        ("22:00", "07:00", "2026-03-02T23:59:59.999999", "2026-03-03T07:00"),
        ("22:00", "07:00", "2026-03-03T00:00", "2026-03-03T07:00"),
        ("22:00", "07:00", "2026-03-03T06:59:59.999999", "2026-03-03T07:00"),
        ("22:00", "07:00", "2026-03-03T07:00", None),
        ("12:00", "14:30", "2026-03-02T11:59", None),
        ("12:00", "14:30", "2026-03-02T12:00", "2026-03-02T14:30"),
        ("12:00", "14:30", "2026-03-02T14:30", None),
        ("22:00", "00:00", "2026-12-31T22:00", "2027-01-01T00:00"),
        ("22:00", "00:00", "2027-01-01T00:00", None),
        ("00:00", "06:00", "2027-01-01T00:00", "2027-01-01T06:00"),
        ("08:00", "08:00", "2026-03-02T08:00", None),
    ],
)
def test_quiet_hours_of_the_day(start: str, end: str, now: str, until: str | None) -> None:
    """Half open, in Asia/Shanghai, over midnight too; equal ends are no quiet hours."""
    rules = SmsRules(quiet_from=minutes(start), quiet_to=minutes(end))
    assert quiet_until(parse_iso(now), rules) == (parse_iso(until) if until else None)


def minutes(text: str) -> int:
    """Minutes after midnight of "hh:mm"."""
    hours, _, rest = text.partition(":")
    return int(hours) * 60 + int(rest)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("urgency", URGENCIES)
def test_whom_quiet_hours_hold(kind: str, urgency: str) -> None:
    """All but the extra urgent, log-in codes and notices to operators wait until the morning."""
    told = judge(facts(kind=kind, urgency=urgency), LATE, NIGHT)
    passes = urgency in PRESSING or kind in WAKING_KINDS
    morning = Wait(until=parse_iso("2026-03-03T07:00"), reason="quiet_hours")
    assert told == (Leave() if passes else morning)


@pytest.mark.parametrize(
    ("changes", "now", "expected"),
    [
        ({"sent_today": 2, "unit_today": 99}, NOON, Leave()),
        ({"sent_today": 3}, NOON, Wait(until=parse_iso("2026-03-03T07:00"), reason="person_cap")),
        ({"unit_today": 100}, NOON, Wait(until=parse_iso("2026-03-03T07:00"), reason="unit_cap")),
        (
            {"sent_today": 3, "unit_today": 100},
            NOON,
            Wait(until=parse_iso("2026-03-03T07:00"), reason="person_cap"),
        ),
        ({"sent_today": 3}, LATE, Wait(until=parse_iso("2026-03-03T07:00"), reason="quiet_hours")),
        ({"sent_today": 3, "tries": 1}, NOON, Leave()),
        ({"sent_today": 3, "urgency": "extra_urgent"}, NOON, Leave()),
        ({"unit_today": 100, "urgency": "flash"}, NOON, Leave()),
        (
            {"sent_today": 3, "kind": "operator"},
            LATE,
            Leave(),
        ),
    ],
)
def test_caps_of_a_day(changes: dict[str, object], now: int, expected: object) -> None:
    """A full day waits for the next, out of quiet hours; what was counted before is not held again."""
    assert judge(facts(**changes), now, NIGHT) == expected


def test_no_cap_and_no_quiet_hours_by_default() -> None:
    """Nothing is held where nothing was set; the next day begins at midnight where no hours are quiet."""
    assert judge(facts(sent_today=10_000, unit_today=10_000), LATE, SmsRules()) == Leave()
    told = judge(facts(sent_today=1), NOON, SmsRules(person_day=1))
    assert told == Wait(until=parse_iso("2026-03-03T00:00"), reason="person_cap")


@pytest.mark.parametrize(
    ("now", "changes", "reason"),
    [(LATE, {}, "quiet_hours"), (NOON, {"sent_today": 3}, "person_cap")],
)
def test_what_would_wait_too_long_is_expired(now: int, changes: dict[str, object], reason: str) -> None:
    """A wait that ends at or after the expiry is told as expired at once, with the reason of the wait."""
    until = judge(facts(**changes), now, NIGHT)
    assert isinstance(until, Wait)
    for expiry, waits in ((until.until, False), (until.until + 1, True)):
        told = judge(facts(**changes, expires_at=expiry), now, NIGHT)
        assert told == (until if waits else Stop(state="expired", reason=reason))


def test_a_nine_o_clock_reminder_is_never_sent_at_eleven() -> None:
    """A reminder is worth an hour: at ten it is listed as expired, and so is one that quiet hours would hold longer."""
    nine = parse_iso("2026-03-02T09:00")
    reminder = facts(kind="reminder", created_at=nine, expires_at=expires_at("reminder", nine))
    assert judge(reminder, nine + HOUR - 1, NIGHT) == Leave()
    assert judge(reminder, nine + HOUR, NIGHT) == Stop(state="expired", reason="expired")
    assert judge(reminder, nine + 2 * HOUR, NIGHT) == Stop(state="expired", reason="expired")
    noon_rest = SmsRules(quiet_from=9 * 60, quiet_to=11 * 60)
    assert judge(reminder, nine, noon_rest) == Stop(state="expired", reason="quiet_hours")


@pytest.mark.parametrize(
    ("kind", "minutes_told"),
    [("arrival", 1440), ("urge", 240), ("red_light", 240), ("reminder", 60), ("code", 5), ("operator", 60)],
)
def test_time_to_live(kind: str, minutes_told: int) -> None:
    """Each kind has its own; an office's table replaces what it names and leaves the rest."""
    assert expires_at(kind, NOON) == NOON + minutes_told * MINUTE
    assert expires_at(kind, NOON, {"drill": 1}) == NOON + minutes_told * MINUTE
    assert expires_at(kind, NOON, {kind: 1}) == NOON + MINUTE


@pytest.mark.parametrize(
    ("urgency", "kind", "priority"),
    [
        ("flash", "arrival", 0),
        ("extra_urgent", "urge", 0),
        ("ordinary", "code", 0),
        ("urgent", "arrival", 1),
        ("routine_urgent", "arrival", 2),
        ("ordinary", "reminder", 2),
        ("extra_urgent", "drill", 3),
        ("ordinary", "drill", 3),
    ],
)
def test_priorities(urgency: str, kind: str, priority: int) -> None:
    """Extra urgent and codes first, drills last however urgent they play."""
    assert priority_of(urgency, kind) == priority < PRIORITIES


@pytest.mark.parametrize(
    ("field", "value"),
    [("quiet_from", -1), ("quiet_to", 1440), ("person_day", -1), ("unit_day", -5), ("tries_max", 0)],
)
def test_rules_that_cannot_be(field: str, value: int) -> None:
    """A setting that no day or cap can be is refused by its name."""
    with pytest.raises(ValueError, match=field):
        msgspec.structs.replace(SmsRules(), **{field: value})


minute_of_day = st.integers(0, 1439)
any_rules = st.builds(
    SmsRules,
    quiet_from=minute_of_day,
    quiet_to=minute_of_day,
    person_day=st.integers(0, 5),
    unit_day=st.integers(0, 5),
    urgent_override=st.booleans(),
    tries_max=st.integers(1, 5),
)
any_facts = st.builds(
    facts,
    kind=st.sampled_from(KINDS),
    urgency=st.sampled_from(URGENCIES),
    recalled=st.sampled_from([0, 0, 0, 1]),
    off=st.sampled_from([0, 0, 1]),
    to_off=st.sampled_from([0, 0, 1]),
    bad=st.sampled_from([0, 0, 0, 1]),
    refused=st.sampled_from(["", "", "arrival", "urge,reminder"]),
    expires_at=st.integers(NOON - HOUR, NOON + 3 * DAY_US),
    tries=st.integers(0, 6),
    sent_today=st.integers(0, 6),
    unit_today=st.integers(0, 6),
)
any_time = st.integers(NOON, NOON + 2 * DAY_US)


@given(any_facts, any_time, any_rules)
def test_every_wait_ends_before_the_expiry_and_outside_quiet_hours(
    told: Facts, now: int, rules: SmsRules
) -> None:
    """A wait ends later than now, in time, and never in quiet hours; every reason has its words."""
    said = judge(told, now, rules)
    if isinstance(said, Wait):
        assert now < said.until < told.expires_at
        assert told.kind in WAKING_KINDS or quiet_until(said.until, rules) is None
        assert said.until - now <= 2 * DAY_US
    if not isinstance(said, Leave):
        assert REASONS_ZH[said.reason]


@given(any_facts, any_time, any_rules)
def test_what_must_never_leave_never_leaves(told: Facts, now: int, rules: SmsRules) -> None:
    """Recalled, expired, without a good number, switched off and not overridden: whatever the rules are."""
    said = judge(told, now, rules)
    if isinstance(said, Leave):
        assert not told.recalled
        assert told.expires_at > now
        assert not told.bad
        off = bool(told.off or told.to_off)
        assert said.overridden == off
        assert not off or (rules.urgent_override and told.urgency in PRESSING)
        assert told.tries < rules.tries_max


@given(any_facts, any_time, any_rules)
def test_waiting_comes_to_an_end(told: Facts, now: int, rules: SmsRules) -> None:
    """Judged again when its wait is over, with the new day's counts, a message leaves: it is not sent round for ever."""
    said = judge(told, now, rules)
    for _ in range(2):
        if not isinstance(said, Wait):
            break
        fresh = {} if day_at(said.until) == day_at(now) else {"sent_today": 0, "unit_today": 0}
        now = said.until
        told = msgspec.structs.replace(told, **fresh)
        said = judge(told, now, rules)
    assert not isinstance(said, Wait)


@given(any_facts, any_time)
def test_the_pressing_is_never_held(told: Facts, now: int) -> None:
    """Neither quiet hours nor caps hold flash and extra urgent, whatever the hour."""
    strict = SmsRules(quiet_from=1, quiet_to=0, person_day=1, unit_day=1)
    pressing = msgspec.structs.replace(told, urgency="extra_urgent")
    assert not isinstance(judge(pressing, now, strict), Wait)
