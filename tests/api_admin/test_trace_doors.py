"""The trace through the doors: who reads what, the signed head, a changed row, the published keys."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from gateway.flows.heads import head_holds
from inbox_store.programs.trace import receipt
from inbox_store.receipts import verify_receipt
from tests.api_admin.conftest import Office, paper, sign


async def test_the_auditor_reads_everything_in_order(office: Office) -> None:
    """Pages go from the newest line to the first, each line once; filters narrow them."""
    await office.post(f"/units/{await office.unit('E01')}/freeze", "eadmin", {})
    seen: list[tuple[int, int]] = []
    cursor: dict[str, str] = {}
    while True:
        told = (await office.get("/audit", "auditor", limit=7, **cursor)).json
        seen += [(one["commit_no"], one["no"]) for one in told["items"]]
        if told["next"] is None:
            break
        cursor = {"cursor": told["next"]}
    assert seen == sorted(set(seen), reverse=True)
    frozen = (await office.get("/audit", "auditor", action="unit.freeze")).json["items"]
    assert [(one["origin"], one["at"][-6:]) for one in frozen] == [("127.0.0.1", "+08:00")]
    later = await office.get("/audit", "auditor", **{"from": "2026-03-03T00:00:00+08:00"})
    assert later.json["items"] == []


async def test_a_countys_auditor_reads_the_county(office: Office) -> None:
    """What the county's people did and what its units met; nothing of the neighbours."""
    for admin, unit in (("eadmin", "E01"), ("wadmin", "W01")):
        assert (await office.post(f"/units/{await office.unit(unit)}/freeze", admin, {})).status == 200
    told = (await office.get("/audit", "eauditor", action="unit.freeze")).json["items"]
    assert [one["subject"] for one in told] == [f"unit:{await office.unit('E01')}"]
    every = (await office.get("/audit", "auditor", action="unit.freeze")).json["items"]
    assert len(every) == 2


async def test_a_changed_row_is_named(office: Office) -> None:
    """The chain verifies; a line changed behind the programs' back is named with its place."""
    assert (await office.get("/audit/verify", "auditor")).json["intact"]
    with closing(sqlite3.connect(office.server.parts.store.folder / "songda.db")) as conn:
        conn.execute("drop trigger audit_no_update")
        conn.execute("update audit set actor = 99 where commit_no = 1 and no = 0")
        conn.commit()
    told = (await office.get("/audit/verify", "auditor")).json
    assert not told["intact"]
    assert told["faults"][0].startswith("audit 1/0")


async def test_the_head_is_signed_and_shows_a_cut_tail(office: Office) -> None:
    """A head kept elsewhere verifies under the published key; a head ahead of the chain shows that the tail is gone."""
    keys = (await office.get("/receipt-keys")).json["keys"]
    head = (await office.get("/audit/head", "auditor")).json
    public = {one["key_id"]: bytes.fromhex(one["public_key"]) for one in keys}
    assert head_holds(head, public)
    assert not head_holds(head | {"commit_no": head["commit_no"] + 1}, public)
    asked = {"link": head["link"], "commit_no": head["commit_no"]}
    assert (await office.get("/audit/verify", "auditor", **asked)).json["intact"]
    ahead = await office.get("/audit/verify", "auditor", **(asked | {"commit_no": 10_000}))
    assert "尾部被截断" in ahead.json["faults"][0]


async def test_published_keys_verify_a_receipt(office: Office) -> None:
    """Anybody can check a receipt with what the door publishes, without credentials."""
    document = await paper(office, "E01")
    await sign(office, document, "eclerk", "E01")
    proven = await office.house.store.engine.read(receipt(document, await office.unit("E01")))
    keys = (await office.get("/receipt-keys")).json["keys"]
    public = {one["key_id"]: bytes.fromhex(one["public_key"]) for one in keys}
    told = {name: getattr(proven, name) for name in proven.__struct_fields__}
    leaf, finding = verify_receipt(told, public)
    assert leaf is not None, finding
    assert keys[0]["algorithm"] == "Ed25519"
