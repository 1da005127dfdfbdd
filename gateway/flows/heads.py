"""The head of the trace, signed and exported: without a head kept elsewhere, cutting the tail would go unseen."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.house import House
from inbox_store.chain import canonical
from inbox_store.keys import signature_holds
from inbox_store.programs import trace
from inbox_store.times import day_at, iso

FORMAT = "songda-head/1"
RESTORED = "store.restored"


def signed_part(told: Mapping[str, Any]) -> bytes:
    """The bytes under the signature: everything but the signature itself."""
    return canonical({key: value for key, value in told.items() if key != "signature"})


async def signed_head(house: House) -> dict[str, Any]:
    """The head as it stands: commit number, time, link, and the receipt key's signature over them."""
    commit_no, at, link = await house.store.engine.read(trace.head())
    key = house.store.keys.receipts
    told: dict[str, Any] = {
        "format": FORMAT,
        "epoch": house.store.engine.epoch,
        "commit_no": commit_no,
        "at": iso(at),
        "link": link.hex(),
        "key_id": key.key_id,
    }
    return told | {"signature": base64.b64encode(key.sign(signed_part(told))).decode()}


def head_holds(told: Mapping[str, Any], keys: Mapping[str, bytes]) -> bool:
    """Whether an exported head was signed by one of the published keys."""
    public = keys.get(str(told.get("key_id")))
    if public is None or told.get("format") != FORMAT:
        return False
    try:
        signature = base64.b64decode(str(told["signature"]), validate=True)
    except (KeyError, ValueError):
        return False
    return signature_holds(public, signature, signed_part(told))


async def last_of_former_epochs(house: House) -> dict[str, int]:
    """The histories that restores ended: each epoch with its last commit that is still in this chain."""
    newest = (1 << 62, 0)
    rows = await house.store.engine.read(
        trace.page(before=newest, limit=1000, subject="", actor=0, action=RESTORED, from_at=0, to_at=1 << 62)
    )
    details = [json.loads(row.detail) for row in rows]
    return {str(told["from_epoch"]): int(told["from_commit"]) for told in details}


async def export_daily(house: House) -> Path | None:
    """Write today's head to ``heads/`` in the data folder once a day; another host fetches it from there."""
    folder = house.store.folder / "heads"
    path = folder / f"{day_at(house.clock())}.json"
    if path.exists():
        return None
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_suffix(".part")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(await signed_head(house), file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
    return path
