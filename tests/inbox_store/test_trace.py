"""The trace: what was changed, taken out or cut off behind the store's back is named; receipts verify without it."""

from __future__ import annotations

import base64
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox_store.chain import leaf_hash
from inbox_store.embedded import FILE, open_store
from inbox_store.errors import Refused
from inbox_store.keys import Keys
from inbox_store.programs import trace
from inbox_store.programs.trace import Verdict
from inbox_store.receipts import verify_receipt
from tests.inbox_store.world import KEYS, Clock, World

UNITS = ("U1", "U2", "U3")


async def signed_world(folder: Path, clock: Clock) -> tuple[int, int, bytes]:
    """A store with a document signed for by three units; returns its id and the head."""
    async with open_store(folder, clock=clock, keys=KEYS, readers=1) as store:
        world = await World.of(store, clock)
        document_id = await world.send(UNITS)
        for unit, by in (("U1", "u1-a"), ("U2", "u2-a"), ("U3", "u3-b")):
            await world.sign(document_id, unit, by)
        commit_no, _, link = await world.read(trace.head())
        return document_id, commit_no, link


async def verify(
    folder: Path, clock: Clock, head: bytes | None = None, through: int | None = None
) -> Verdict:
    """What the verification finds in the file as it lies there."""
    async with open_store(folder, clock=clock, keys=KEYS, readers=1) as store:
        return await store.engine.read(trace.verify(head, through))


@pytest.fixture
async def signed(tmp_path: Path, clock: Clock) -> tuple[Path, int, bytes]:
    """A closed store with receipts in it: its folder, the last commit and the head after it."""
    _, commit_no, link = await signed_world(tmp_path, clock)
    return tmp_path, commit_no, link


def tamper(folder: Path, *statements: str) -> None:
    """What somebody with the file and without the house can do."""
    with closing(sqlite3.connect(folder / FILE)) as conn:
        triggers = conn.execute("select name from sqlite_master where type = 'trigger'").fetchall()
        for (name,) in triggers:
            conn.execute(f"drop trigger {name}")
        for statement in statements:
            assert conn.execute(statement).rowcount > 0, statement
        conn.commit()


async def test_an_honest_history_holds(signed: tuple[Path, int, bytes], clock: Clock) -> None:
    """Every row, receipt and link agrees, also with the head exported at the time."""
    folder, commit_no, link = signed
    told = await verify(folder, clock, link, commit_no)
    assert (told.commits, told.receipts, told.faults) == (commit_no, 3, ())
    assert told.head == link.hex()


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("update audit set actor = 99 where commit_no = 6", "audit 6/0"),
        ("update audit set detail = '{}' where commit_no = 6", "audit 6/0"),
        ("update audit set detail = x'00' where commit_no = 6", "audit 6/0"),
        ("update audit set detail = cast(detail as blob) where commit_no = 6", "audit 6/0"),
        ("update audit set at = at + 1 where commit_no = 6", "audit 6/0"),
        ("update audit set digest = x'00' where commit_no = 6", "commit 6"),
        ("delete from audit where commit_no = 6", "commit 6"),
        ("delete from commit_log where commit_no = 6", "commit 6"),
        ("delete from commit_log where commit_no = (select max(commit_no) from commit_log)", "行"),
        ("update commit_log set at = at + 1 where commit_no = 6", "commit 6"),
        ("update commit_log set link = x'00' where commit_no = 6", "commit 6"),
        ("update commit_log set receipt_root = null where receipts = 1", "回执"),
        ("update commit_log set signature = null where receipts = 1", "签名"),
        ("update commit_log set signature = x'00' where receipts = 1", "签名"),
        (
            "update sign_receipt set leaf = cast(replace(leaf, 'u1-a', 'u1-b') as blob) where unit_id = 2",
            "回执",
        ),
        ("update sign_receipt set leaf = 'text' where unit_id = 2", "commit"),
        ("delete from sign_receipt where unit_id = 2", "回执"),
        ("delete from receipt_key", "签名"),
        (
            "insert into audit select commit_no, 9, at, actor, action, subject, origin, detail, digest from audit where commit_no = 6",
            "commit 6",
        ),
    ],
)
async def test_what_was_tampered_with_is_named(
    signed: tuple[Path, int, bytes], clock: Clock, statement: str, found: str
) -> None:
    """Each change of a row, a receipt, a link or a key is found, at its place."""
    folder, _, _ = signed
    tamper(folder, statement)
    async with open_store(folder, clock=clock, keys=Keys.of(b"another key"), readers=1) as store:
        told = await store.engine.read(trace.verify())
    assert any(found in fault for fault in told.faults), told.faults


async def test_a_recomputed_row_still_shows(signed: tuple[Path, int, bytes], clock: Clock) -> None:
    """Whoever recomputes the digest of a changed row has not recomputed the root above it."""
    folder, _, _ = signed
    fake = "update audit set detail = '{}', digest = x'%s' where commit_no = 6"
    tamper(folder, fake % leaf_hash(b"something else").hex())
    assert any("commit 6" in fault or "audit 6/0" in fault for fault in (await verify(folder, clock)).faults)


async def test_a_cut_tail_shows_against_an_exported_head(
    signed: tuple[Path, int, bytes], clock: Clock
) -> None:
    """A history cut off cleanly is consistent in itself; the head kept elsewhere tells."""
    folder, commit_no, link = signed
    last = "delete from %s where commit_no = (select max(commit_no) from %s)"
    tamper(
        folder,
        *(last % (table, table) for table in ("commit_log", "audit", "sign_receipt")),
        "update distribution set signed_at = null, state = 'unsigned' where unit_id = 4",
    )
    assert (await verify(folder, clock)).faults == ()
    told = await verify(folder, clock, link, commit_no)
    assert [f"commit {commit_no}" in fault for fault in told.faults] == [True]


async def test_a_history_rewritten_shows_against_an_exported_head(
    signed: tuple[Path, int, bytes], clock: Clock
) -> None:
    """Another history of the same length has another head."""
    folder, commit_no, _ = signed
    told = await verify(folder, clock, leaf_hash(b"the head that was exported"), commit_no)
    assert [f"commit {commit_no}" in fault for fault in told.faults] == [True]


async def test_a_signature_without_receipt_shows(signed: tuple[Path, int, bytes], clock: Clock) -> None:
    """A copy made signed in the table alone has no receipt."""
    folder, _, _ = signed
    tamper(
        folder,
        "insert into distribution select document_id, 5, dispatch_id, role, counted, state, sent_at, sign_due_at,"
        " due_provisional, handle_due_at, delivered_at, opened_at, signed_at, signed_by, signed_unread, signed_bulk, handler_id,"
        " handling_started_at, handled_at, archived_at, returned_at, returned_by, return_reason, recalled_at, round, signed_for"
        " from distribution where unit_id = 2",
    )
    assert [fault.split(":")[0] for fault in (await verify(folder, clock)).faults] == ["distribution 1/5"]


async def test_long_histories_are_read_in_steps(
    signed: tuple[Path, int, bytes], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the border of a step falls, nothing is missed and nothing invented."""
    folder, commit_no, _ = signed
    tamper(folder, "delete from commit_log where commit_no = 6")
    for step in range(1, commit_no + 2):
        monkeypatch.setattr(trace, "COMMITS_PER_STEP", step)
        faults = (await verify(folder, clock)).faults
        assert sum("缺失 (missing" in fault for fault in faults) == 1, (step, faults)
        assert sum("rows without a link" in fault for fault in faults) == 1, (step, faults)


@pytest.mark.parametrize("table", ["audit", "commit_log", "sign_receipt"])
@pytest.mark.parametrize("statement", ["update {} set commit_no = 99", "delete from {}"])
async def test_the_file_itself_refuses_changes(
    signed: tuple[Path, int, bytes], table: str, statement: str
) -> None:
    """Updates and deletions of the trace are refused by the tables, whoever tries."""
    folder, _, _ = signed
    with (
        closing(sqlite3.connect(folder / FILE)) as conn,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        conn.execute(statement.format(table))


async def test_the_trace_is_read_in_pages(world: World) -> None:
    """Newest first, page after page, by subject, actor, action and time."""
    document_id = await world.send(["U1"])
    world.clock.forward(5)
    await world.sign(document_id, "U1", "u1-a")
    everything = {"subject": "", "actor": 0, "action": "", "from_at": 0, "to_at": 2**60}

    async def page(before: tuple[int, int] = (2**60, 0), limit: int = 99, **wanted: object) -> list[str]:
        told = await world.read(trace.page(before=before, limit=limit, **{**everything, **wanted}))  # type: ignore[arg-type]
        return [row.action for row in told]

    whole = await page()
    assert whole[:3] == ["document.sign", "dispatch.sent", "dispatch.submit"]
    assert await page(subject=f"document:{document_id}") == ["document.sign"]
    assert await page(actor=world.people["u1-a"]) == ["document.sign"]
    assert await page(action="dispatch.sent") == ["dispatch.sent"]
    assert await page(from_at=world.clock.now) == ["document.sign"]
    assert await page(to_at=world.clock.now) == whole[1:]
    found: list[str] = []
    before = (2**60, 0)
    while rows := await world.read(trace.page(before=before, limit=2, **everything)):  # type: ignore[arg-type]
        found += [row.action for row in rows]
        before = (rows[-1].commit_no, rows[-1].no)
    assert found == whole


# Receipts -----------------------------------------------------------------------------------------------------------


NONSENSE: tuple[object, ...] = (None, 77, "", "ü", [], {})


async def proven(world: World) -> tuple[dict[str, object], dict[str, bytes]]:
    """A receipt of a commit with several, as it is handed out, and the published keys."""
    from inbox_store.programs import signing  # noqa: PLC0415

    papers = [await world.send(["U1"]) for _ in range(5)]
    wanted = [(paper, world.units["U1"]) for paper in papers]
    await world.write(signing.sign_many(wanted, world.actor("u1-a"), world.clock.now))
    receipt = await world.read(trace.receipt(papers[3], world.units["U1"]))
    told = json.loads(json.dumps({name: getattr(receipt, name) for name in receipt.__struct_fields__}))
    return told, {row[0]: row[1] for row in await world.read(trace.public_keys())}


async def test_a_receipt_verifies_offline(world: World) -> None:
    """With the file and the published key alone: who signed for what, when, with which content."""
    told, keys = await proven(world)
    leaf, words = verify_receipt(told, keys)
    assert leaf is not None, words
    assert (leaf["document"], leaf["unit_code"], leaf["signer_name"]) == (4, "U1", "u1-a")
    assert (leaf["signed_at"], leaf["device"], leaf["unread"]) == (world.clock.now, "desk", True)
    assert len(str(leaf["digest"])) == 64
    with pytest.raises(Refused, match="not_signed"):
        await world.read(trace.receipt(1, world.units["U2"]))


async def test_a_changed_receipt_does_not(world: World) -> None:
    """Any change of content, place, count, time, key, root, proof or signature is told; so is a missing part."""
    told, keys = await proven(world)
    leaf = base64.b64decode(str(told["leaf"])).replace(b"u1-a", b"u1-b")
    wrong: dict[str, object] = {
        "leaf": base64.b64encode(leaf).decode(),
        "leaf_no": 2,
        "leaves": 6,
        "commit_no": 1,
        "committed_at": 1,
        "root": base64.b64encode(leaf_hash(b"")).decode(),
        "proof": told["proof"][:-1],  # type: ignore[index]  # a list, as told
        "signature": base64.b64encode(b"\0" * 64).decode(),
        "key_id": "unknown",
    }
    for name, value in wrong.items():
        assert verify_receipt({**told, name: value}, keys)[0] is None, name
    for name in wrong:
        for nothing in NONSENSE:
            assert verify_receipt({**told, name: nothing}, keys)[0] is None, (name, nothing)
        assert verify_receipt({key: value for key, value in told.items() if key != name}, keys)[0] is None
    assert verify_receipt(told, dict.fromkeys(keys, b"\0" * 32))[0] is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    )
)
def test_any_nonsense_is_no_receipt(told: object) -> None:
    """Whatever a file holds, the answer is words and never a fault of the program."""
    found, words = verify_receipt(told, {"k": b""})  # type: ignore[arg-type]
    assert found is None
    assert words
