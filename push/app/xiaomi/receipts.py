"""Xiaomi's receipts (xiaomi §3): a form whose ``data`` is JSON by message id. It is not signed: our mark is. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import parse_qs

from push.app.calls import Delivered, Failed, NotTheirs, Receipt, from_millis, parsed, table, word
from push.app.marks import receipt_in

DELIVERED: Final = "1"
GONE: Final = "16"
FAILURES: Final = frozenset({"16", "32", "64", "128"})
"""Invalid target; push switched off; filtered; daily limit. A click (2) is no receipt of ours."""


def receipts(
    headers: Mapping[str, str],  # noqa: ARG001 - nothing in them shows whose they are
    body: bytes,
    secret: str,
    now: int,  # noqa: ARG001 - a mark has no age: it settles what was settled already
) -> list[Delivered | Failed]:
    """What became of devices. Raises NotTheirs; entries with a mark that is not ours are passed over."""
    try:
        fields = parse_qs(body.decode(), max_num_fields=8)
    except (UnicodeDecodeError, ValueError):
        raise NotTheirs("no form") from None
    told = parsed(fields.get("data", [""])[0].encode())
    if told is None:
        raise NotTheirs("no data")
    found = [one for entry in map(table, told.values()) for one in _entry(entry, secret)]
    if told and not found and not any(_is_click(table(entry)) for entry in told.values()):
        raise NotTheirs("no entry bears a mark of ours")
    return found


def _entry(entry: dict[str, object], secret: str) -> Iterator[Receipt]:
    kind = word(entry.get("type"))
    told_at = from_millis(entry.get("timestamp", entry.get("timeStamp")))
    for token in word(entry.get("targets")).split(","):
        try:
            receipt = receipt_in(secret, token, entry.get("param"))
        except NotTheirs:
            continue
        if kind == DELIVERED:
            yield Delivered(receipt=receipt, token=token, at=told_at)
        elif kind in FAILURES:
            yield Failed(receipt=receipt, token=token, code=kind, gone=kind == GONE, at=told_at)


def _is_click(entry: dict[str, object]) -> bool:
    return word(entry.get("type")) == "2"
