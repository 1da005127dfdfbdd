"""OPPO's receipts, read tolerantly: their layout is only believed (sheet, oppo). Not signed: our mark is. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from push.app.calls import Delivered, Failed, NotTheirs, from_millis, table, word, words
from push.app.marks import receipt_in

ARRIVED = "push_arrive"


def receipts(
    headers: Mapping[str, str],  # noqa: ARG001 - nothing in them shows whose they are
    body: bytes,
    secret: str,
    now: int,  # noqa: ARG001 - a mark has no age: it settles what was settled already
) -> list[Delivered | Failed]:
    """What arrived. Raises NotTheirs; entries with a mark that is not ours are passed over."""
    try:
        told = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        raise NotTheirs("no JSON") from None
    entries = [table(one) for one in told] if isinstance(told, list) else [table(told)]
    found: list[Delivered | Failed] = []
    for entry in entries:
        if entry.get("eventType", ARRIVED) != ARRIVED:
            continue
        for token in _tokens(entry):
            try:
                receipt = receipt_in(secret, token, entry.get("param") or entry.get("call_back_parameter"))
            except NotTheirs:
                continue
            told_at = from_millis(entry.get("eventTime"))
            found.append(Delivered(receipt=receipt, token=token, at=told_at))
    if entries and not found:
        raise NotTheirs("no entry bears a mark of ours")
    return found


def _tokens(entry: dict[str, object]) -> list[str]:
    """As a list, or as text with commas or semicolons."""
    told = entry.get("registrationIds", entry.get("registrationId"))
    return words(told) or [one for one in word(told).replace(";", ",").split(",") if one]
