"""From commits to frames: everyone gets their own in order, and equal contents share one frame."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from realtime.fanout import Plan
from realtime.frames import Changes, parse_server
from realtime.items import Item, arrived
from realtime.ports import Arrival
from tests.realtime.memory_house import header

FOLDERS = ("from_above", "brief")


def items_of(frame: bytes) -> tuple[Item, ...]:
    """What a frame of changes tells."""
    changes = parse_server(frame[10:] if frame[1] == 127 else frame[4:])
    assert isinstance(changes, Changes)
    return changes.items


def test_one_document_for_a_city_makes_one_frame_per_folder_and_state() -> None:
    """A thousand receivers in two folders: two frames."""
    rows = [Arrival(person, FOLDERS[person % 2], "to_read") for person in range(1_000)]  # type: ignore[arg-type]
    plan = Plan()
    plan.arrivals(5, header(1), rows)

    told = list(plan.deliveries())

    assert [500, 500] == [len(persons) for _, persons in told]
    assert {"from_above", "brief"} == {items_of(one.frame)[0].folder for one, _ in told}


def test_commits_handed_out_together_make_one_frame_per_person() -> None:
    """Two documents and a change: whoever has all of them gets one frame that brings them to the last commit."""
    plan = Plan()
    plan.arrivals(5, header(1), [Arrival(1, "brief", "to_read"), Arrival(2, "brief", "to_read")])
    plan.item(6, 1, arrived(header(1), "brief", "read"))
    plan.arrivals(9, header(2), [Arrival(1, "brief", "to_read")])

    told = {person: one for one, persons in plan.deliveries() for person in persons}

    assert [(1, "to_read"), (1, "read"), (2, "to_read")] == [
        (item.document_id, item.state) for item in items_of(told[1].frame)
    ]
    assert ((5, 9), (5, 5)) == ((told[1].first, told[1].last), (told[2].first, told[2].last))


facts = st.lists(
    st.tuples(
        st.sampled_from(["arrival", "change"]),
        st.lists(st.integers(1, 5), min_size=1, max_size=6),
        st.integers(1, 3),
    ),
    max_size=12,
)


@given(facts)
def test_everyone_gets_exactly_their_own_in_order(commits: list[tuple[str, list[int], int]]) -> None:
    """Whatever a run of commits holds, each person's delivery is their part of it, and nobody else is told."""
    plan = Plan()
    mine: dict[int, list[tuple[int, Item]]] = {}
    for no, (kind, persons, document) in enumerate(commits, start=1):
        item = arrived(header(document), "brief", "to_read" if kind == "arrival" else "read")
        for person in persons:
            mine.setdefault(person, []).append((no, item))
            if kind == "change":
                plan.item(no, person, item)
        if kind == "arrival":
            plan.arrivals(no, header(document), [Arrival(person, "brief", "to_read") for person in persons])

    told = list(plan.deliveries())

    assert mine == {person: list(one.entries) for one, persons in told for person in persons}
    assert all(items_of(one.frame) == tuple(item for _, item in one.entries) for one, _ in told)
    assert len({one.entries for one, _ in told}) == len(told)
