"""Our attempts against a carrier's detail file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox_store.times import US, moment, parse_iso
from sms_billing.detail import CarrierStatus, DetailFormat, DetailLine, Unreadable
from sms_billing.doubts import MINUTE_US, Doubt, Doubts
from sms_billing.lines import BillOn
from sms_billing.periods import month_span
from sms_billing.reconcile import Difference, Matched, Matching, OurStatus, Sent, bucket_of, reconcile
from sms_billing.tables import difference_table, written

FROM_AT, TO_AT = month_span(201804)
AT = parse_iso("2018-04-07T10:00:30")
NUMBER = "13800000000"
SOURCE = "1069000112"


def lookup(number: str) -> bytes:
    """The key under which a number is kept."""
    return number.encode()


def matching(
    doubts: Iterable[Doubt] = (), form: DetailFormat | None = None, bill_on: BillOn = "accepted"
) -> Matching:
    """A reconciliation of April 2018."""
    return Matching(
        form or DetailFormat(), Doubts(doubts, lookup), from_at=FROM_AT, to_at=TO_AT, bill_on=bill_on
    )


def sent(message_id: str, status: OurStatus = "delivered", **changed: Any) -> Sent:  # noqa: ANN401 - any column
    """One of our segments; its attempt has the number in its id."""
    return Sent(int(message_id, 16), message_id, AT, status)._replace(**changed)


def line(message_id: str, status: CarrierStatus = "delivered", **changed: Any) -> DetailLine:  # noqa: ANN401
    """One of the carrier's lines."""
    plain = DetailLine(
        int(message_id, 16), message_id, "86" + NUMBER, SOURCE, "2018-04-07 10:00:31", 1, status
    )
    return plain._replace(**changed)


def doubt(attempt_id: int, **changed: Any) -> Doubt:  # noqa: ANN401
    """An attempt in doubt without an id."""
    return Doubt(attempt_id, attempt_id, 1, lookup(NUMBER), SOURCE, AT)._replace(**changed)


def run(
    under_way: Matching, ours: Iterable[Sent], theirs: Iterable[DetailLine | Unreadable]
) -> tuple[list[Difference], Matched]:
    """The differences of one bucket with everything, and the figures."""
    found = list(reconcile(under_way, [(ours, theirs)]))
    return found, under_way.figures


def told(found: list[Difference]) -> list[tuple[str, int | None, int | None]]:
    """Kind, our attempt, their line."""
    return [(one.kind, one.attempt_id, one.line_no) for one in found]


def test_two_sides_that_agree() -> None:
    """Nothing is told where both sides are alike, in whatever order they come."""
    ours = [sent("1"), sent("2", "failed"), sent("3", "unreported")]
    theirs = [line("3", "unknown"), line("1"), line("2", "failed")]
    found, figures = run(matching(), ours, theirs)
    assert found == []
    assert figures == Matched(ours=3, theirs=3, lines=3, agreed=3, kinds={})
    assert figures.within


def test_every_kind_of_difference() -> None:
    """Ours only, theirs only, segments, status, duplicate and unreadable lines, each named once."""
    ours = [sent("1"), sent("2"), sent("3"), sent("4"), sent("5")]
    theirs: list[DetailLine | Unreadable] = [
        line("2", segments=2),
        line("3", "failed"),
        line("4"),
        line("4", line_no=40),
        line("6"),
        Unreadable(7, "columns"),
        line("5", "unknown", segments=3),
    ]
    found, figures = run(matching(), ours, theirs)
    assert told(found) == [
        ("duplicate", 4, 40),
        ("theirs_only", None, 6),
        ("unreadable", None, 7),
        ("ours_only", 1, None),
        ("segments_differ", 2, 2),
        ("status_differs", 3, 3),
        ("segments_differ", 5, 5),
        ("status_differs", 5, 5),
    ]
    assert (figures.ours, figures.theirs, figures.lines, figures.agreed) == (5, 9, 7, 1)
    assert figures.kinds["status_differs"] == 2
    assert not figures.within


def test_refused_lines_are_no_charge() -> None:
    """What the carrier refused is not counted and missed by nobody; where we hold it accepted, the status differs."""
    found, figures = run(matching(), [sent("1")], [line("1", "refused"), line("2", "refused")])
    assert told(found) == [("status_differs", 1, 1)]
    assert (figures.ours, figures.theirs) == (1, 0)


def test_bill_on_delivered() -> None:
    """Where only delivery is charged, only what was delivered is counted on both sides."""
    ours = [sent("1"), sent("2", "failed"), sent("3", "unreported")]
    theirs = [line("1"), line("2", "failed"), line("3", "unknown")]
    assert run(matching(bill_on="delivered"), ours, theirs)[1].ours == 1
    assert run(matching(bill_on="delivered"), ours, theirs)[1].theirs == 1


def test_two_clocks_at_midnight() -> None:
    """What we had accepted a moment outside the month is matched, but neither counted nor missed."""
    ours = [sent("1", at=TO_AT), sent("2", at=FROM_AT - 1), sent("3", at=TO_AT - 1), sent("4", at=FROM_AT)]
    found, figures = run(matching(), ours, [line("1")])
    assert told(found) == [("ours_only", 3, None), ("ours_only", 4, None)]
    assert (figures.ours, figures.agreed) == (2, 1)


def test_ids_in_hex() -> None:
    """Ids that are numbers compare without letter case and leading zeros where the format says so."""
    found, _ = run(matching(form=DetailFormat(ids="hex")), [sent("00AB")], [line("ab")])
    assert found == []
    found, _ = run(matching(), [sent("00AB")], [line("ab")])
    assert [one.kind for one in found] == ["theirs_only", "ours_only"]


def test_one_id_for_a_whole_message() -> None:
    """Aggregators give one id to all segments of a message: told as one line, or as a line for each segment."""
    ours = [sent("1"), sent("1", attempt_id=11), sent("1", attempt_id=12)]
    assert run(matching(), ours, [line("1", segments=3)])[0] == []
    each = DetailFormat(repeats="segment")
    assert run(matching(form=each), ours, [line("1")] * 3)[0] == []
    found, _ = run(matching(form=each), ours, [line("1")] * 4)
    assert [(one.kind, one.our_segments, one.their_segments) for one in found] == [("segments_differ", 3, 4)]


def test_in_doubt_with_a_known_id() -> None:
    """Where the id is known before the answer, the file settles it by the id."""
    found, figures = run(matching(), [sent("1", "in_doubt"), sent("2", "in_doubt")], [line("1", "failed")])
    assert [(one.kind, one.attempt_id, one.their_status) for one in found] == [
        ("found", 1, "failed"),
        ("not_found", 2, None),
    ]
    assert figures.ours == figures.theirs == 1


@pytest.mark.parametrize("minutes", [-1, 0, 1])
def test_in_doubt_found_by_number_source_and_minute(minutes: int) -> None:
    """A lost id is found where number, access number and minute leave one choice; half a minute may change the minute."""
    near = line("a", accepted=f"{moment(AT + minutes * MINUTE_US):%Y-%m-%d %H:%M:%S}")
    found, figures = run(matching([doubt(1)]), [], [near])
    assert told(found) == [("found", 1, 10)]
    assert found[0].line == near
    assert figures.ours == figures.theirs == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"number": "13800000001"},
        {"source": SOURCE[:-1]},
        {"accepted": "2018-04-07 10:02:00"},
        {"accepted": "昨天"},
    ],
)
def test_another_line_is_not_taken(changed: dict[str, Any]) -> None:
    """Another number, extension or time is another message."""
    found, _ = run(matching([doubt(1)]), [], [line("a", **changed)])
    assert told(found) == [("theirs_only", None, 10), ("not_found", 1, None)]


def test_more_than_one_choice_is_told() -> None:
    """Two lines for one attempt, or one for attempts of two orders, are left to a person."""
    found, _ = run(matching([doubt(1)]), [], [line("a", segments=2)])
    assert told(found) == [("ambiguous", 1, None), ("ambiguous", None, 10)]
    found, figures = run(matching([doubt(1)]), [], [line("a"), line("b")])
    assert told(found) == [("ambiguous", 1, None), ("ambiguous", None, 10), ("ambiguous", None, 11)]
    assert (figures.ours, figures.theirs) == (0, 2)
    found, _ = run(matching([doubt(1), doubt(2)]), [], [line("a")])
    assert [one.kind for one in found] == ["ambiguous"] * 3
    found, _ = run(matching([doubt(1), doubt(2)]), [], [line("a"), line("b", "failed")])
    assert {one.kind for one in found} == {"ambiguous"}


def test_choices_that_change_no_charge() -> None:
    """Segments of one order are alike, and as many lines of one status as attempts are all found."""
    parts = [doubt(n, order_id=7, segment_no=n) for n in (3, 1, 2)]
    found, _ = run(matching(parts), [], [line("a"), line("b", "failed")])
    assert told(found) == [("found", 1, 10), ("found", 2, 11), ("not_found", 3, None)]
    found, figures = run(matching(parts), [], [line("a", segments=3)])
    assert told(found) == [("found", 1, 10), ("found", 2, 10), ("found", 3, 10)]
    assert figures.ours == figures.theirs == 3
    found, _ = run(matching([doubt(1), doubt(2)]), [], [line("a"), line("b")])
    assert told(found) == [("found", 1, 10), ("found", 2, 11)]


def test_known_ids_come_before_guesses() -> None:
    """A line whose id is ours is never taken for an attempt in doubt of the same number and minute."""
    found, _ = run(matching([doubt(1)]), [sent("a")], [line("a")])
    assert told(found) == [("not_found", 1, None)]


@pytest.mark.parametrize(
    ("ours", "theirs", "within"), [(1000, 1005, True), (995, 1000, True), (994, 1000, False), (0, 0, True)]
)
def test_the_tolerance(ours: int, theirs: int, within: bool) -> None:  # noqa: FBT001 - the expectation
    """Half a percent of the carrier's figure, and nothing against nothing."""
    assert Matched(ours=ours, theirs=theirs, lines=0, agreed=0, kinds={}).within is within


ids = st.integers(1, 30).map("{:x}".format)
our_rows = st.lists(
    st.builds(sent, ids, st.sampled_from(["delivered", "failed", "unreported", "in_doubt"])),
    unique_by=lambda one: one.message_id,
)
their_rows = st.lists(
    st.builds(
        line,
        ids,
        st.sampled_from(["delivered", "failed", "unknown", "refused"]),
        segments=st.integers(1, 3),
        source=st.sampled_from([SOURCE, "1"]),
    )
)
doubts = st.lists(
    st.builds(doubt, st.integers(100, 103), sent_at=st.integers(0, 5).map(lambda n: AT + n * 40 * US)),
    unique_by=lambda one: one.attempt_id,
)


@given(our_rows, their_rows, doubts, st.integers(1, 4))
def test_buckets_change_nothing(
    ours: list[Sent], theirs: list[DetailLine], doubtful: list[Doubt], buckets: int
) -> None:
    """Split by the hash of the id into any number of buckets, the differences and the figures are the same."""
    whole, figures = run(matching(doubtful), ours, theirs)
    under_way = matching(doubtful)
    split = [
        (
            [one for one in ours if bucket_of(one.message_id, buckets) == bucket],
            [one for one in theirs if bucket_of(one.message_id, buckets) == bucket],
        )
        for bucket in range(buckets)
    ]
    found = list(reconcile(under_way, split))
    assert sorted(map(repr, found)) == sorted(map(repr, whole))
    assert under_way.figures == figures


@given(our_rows, their_rows, doubts)
def test_nothing_is_lost(ours: list[Sent], theirs: list[DetailLine], doubtful: list[Doubt]) -> None:
    """Each of ours agrees or is told, each of theirs is matched or told, each attempt in doubt gets an answer."""
    found, figures = run(matching(doubtful), ours, theirs)
    known = {one.message_id for one in ours}
    listed = {one.attempt_id for one in found if one.kind != "duplicate" and one.attempt_id in range(1, 31)}
    assert figures.agreed + len(listed) == len(ours)
    assert {one.attempt_id for one in doubtful} <= {one.attempt_id for one in found}
    strange = [one for one in theirs if one.message_id not in known and one.status != "refused"]
    told_lines = [one.line for one in found if one.line]
    assert all(one in told_lines for one in strange)
    assert figures.lines == len(theirs)


def test_the_table_of_differences() -> None:
    """Kinds, states and reasons in Chinese, numbers masked, cut where it is too long."""
    theirs: list[DetailLine | Unreadable] = [line("2", number="8613812345678"), Unreadable(7, "id_rounded")]
    found, _ = run(matching(), [sent("1")], theirs)
    table = difference_table(found, "2018年4月对账差异", 10)
    assert [(row[1], row[3], row[7]) for row in written(table)] == [
        ("运营商有、我方无", "138****5678", ""),
        ("详单行无法识别", "", "消息编号被表格软件改成科学计数"),
        ("我方有、运营商无", "", ""),
    ]
    assert written(table)[2][-2:] == ("", 1)
    assert len(difference_table(found, "", 2).rows) == 2
