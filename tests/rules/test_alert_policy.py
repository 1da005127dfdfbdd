"""Who is alerted how: the order of reasons as a table, and what holds for any facts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.rules.alert_policy import REASONS_ZH, AlertRules, judge_push, mail_due, sms_due
from inbox_store.pushes import PushDecision, PushFacts, PushGo, PushStop, PushWait
from inbox_store.times import parse_iso

NOON = parse_iso("2026-03-02T12:00")
LATE = parse_iso("2026-03-02T23:00")
MORNING = parse_iso("2026-03-03T07:00")
MINUTE = 60_000_000
HOUR = 60 * MINUTE
NIGHT = AlertRules(quiet_from=22 * 60, quiet_to=7 * 60)

PLAIN = PushFacts(
    order_id=1,
    alert_id=1,
    kind="arrival",
    round=0,
    document_id=1,
    unit_id=1,
    urgency="ordinary",
    document_kind="notice",
    title="",
    sensitivity="internal",
    is_test=0,
    recalled=0,
    person_id=1,
    device_id=1,
    token_sealed=b"",
    token_key=1,
    gone=0,
    priority=2,
    due_at=NOON,
    expires_at=NOON + 24 * HOUR,
    tries=0,
    acked=0,
    opened=0,
    push_ordinary=1,
    digest_minutes=0,
    quiet_from=0,
    quiet_to=0,
    waiting=1,
    created_at=NOON,
)


def stop(state: str, reason: str) -> PushStop:
    """A final word."""
    return PushStop(state=state, reason=reason)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "now", "expected"),
    [
        ({}, NOON, PushGo()),
        ({"recalled": 1, "gone": 1, "opened": 1}, NOON, stop("cancelled", "recalled")),
        ({"expires_at": NOON, "opened": 1}, NOON, stop("expired", "expired")),
        ({"gone": 1, "opened": 1}, NOON, stop("failed", "device_gone")),
        ({"opened": 1, "acked": 1}, NOON, stop("cancelled", "opened")),
        ({"acked": 1}, NOON, stop("cancelled", "acked")),
        ({"acked": 1, "opened": 1, "kind": "urge"}, NOON, PushGo()),
        ({"tries": 8}, NOON, stop("failed", "tries")),
        ({"push_ordinary": 0}, NOON, stop("cancelled", "preference")),
        ({"push_ordinary": 0, "urgency": "extra_urgent", "priority": 0}, NOON, PushGo()),
        ({"push_ordinary": 0, "kind": "urge"}, NOON, PushGo()),
        ({}, LATE, PushWait(until=MORNING, reason="quiet_hours")),
        ({"urgency": "flash", "priority": 0}, LATE, PushGo()),
        ({"expires_at": LATE + HOUR}, LATE, stop("expired", "quiet_hours")),
        (
            {"quiet_from": 12 * 60, "quiet_to": 13 * 60},
            NOON,
            PushWait(until=NOON + HOUR, reason="quiet_hours"),
        ),
        ({"digest_minutes": 30}, NOON, PushWait(until=NOON + 30 * MINUTE, reason="digest")),
        ({"digest_minutes": 30, "waiting": 3}, NOON + 30 * MINUTE, PushGo(merged=3)),
        ({"digest_minutes": 30, "waiting": 3, "urgency": "urgent", "priority": 1}, NOON, PushGo()),
        ({"digest_minutes": 30, "waiting": 3, "tries": 1}, NOON, PushGo(merged=3)),
    ],
)
def test_the_first_reason_is_the_one_told(
    changes: dict[str, object], now: int, expected: PushDecision
) -> None:
    """What stops an alert for good goes before what makes it wait, and each word is known."""
    told = judge_push(replace(PLAIN, **changes), now, NIGHT)
    assert told == expected
    if not isinstance(told, PushGo):
        assert told.reason in REASONS_ZH


FLAGS = st.integers(0, 1)


@given(
    changes=st.fixed_dictionaries(
        dict.fromkeys(("recalled", "gone", "acked", "opened", "push_ordinary"), FLAGS)
        | {
            "urgency": st.sampled_from(["ordinary", "urgent", "extra_urgent", "flash"]),
            "kind": st.sampled_from(["arrival", "urge", "red_light", "code"]),
            "digest_minutes": st.integers(0, 240),
            "quiet_from": st.integers(0, 1439),
            "quiet_to": st.integers(0, 1439),
            "tries": st.integers(0, 9),
            "waiting": st.integers(1, 9),
        }
    ),
    minutes=st.integers(0, 3_000),
)
def test_every_alert_ends(changes: dict[str, object], minutes: int) -> None:
    """A wait lies ahead and ends before the alert's life does; asked again at its end it does not wait for the same."""
    told, now = replace(PLAIN, **changes), NOON + minutes * MINUTE
    for _ in range(6):
        decision = judge_push(told, now, NIGHT)
        if not isinstance(decision, PushWait):
            break
        assert now < decision.until < told.expires_at
        told, now = replace(told, due_at=decision.until), decision.until
    else:
        raise AssertionError("it waits for ever")
    if told.urgency in {"extra_urgent", "flash"} and isinstance(decision, PushStop):
        assert decision.reason not in {"quiet_hours", "digest", "preference"}


def test_a_message_follows_where_the_policy_says_so() -> None:
    """Minutes by urgency; what is not named gets none, and the rules are kept in words with their version."""
    rules = AlertRules(sms_after={"extra_urgent": 15})
    assert sms_due("extra_urgent", NOON, rules) == NOON + 15 * MINUTE
    assert sms_due("ordinary", NOON, rules) is None
    assert rules.words == "1;quiet=0-0;grace=10;sms=extra_urgent=15"


@given(now=st.integers(NOON, NOON + 48 * HOUR), minutes=st.integers(0, 240))
def test_ordinary_mails_leave_together(now: int, minutes: int) -> None:
    """Those of one window leave at its end, never later than its length; what is extra urgent leaves at once."""
    assert mail_due("extra_urgent", now, minutes) == (now, False)
    at, digest = mail_due("ordinary", now, minutes)
    assert digest == (minutes > 0)
    assert now <= at <= now + minutes * MINUTE
    if digest:
        assert mail_due("ordinary", at - 1, minutes)[0] == at
