"""vivo's receipts: JSON by task id, for single real pushes. It is not signed: our mark is. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from push.app.calls import Delivered, Failed, NotTheirs, parsed, table, word
from push.app.marks import receipt_in


def receipts(
    headers: Mapping[str, str],  # noqa: ARG001 - nothing in them shows whose they are
    body: bytes,
    secret: str,
    now: int,  # noqa: ARG001 - a mark has no age: it settles what was settled already
) -> list[Delivered | Failed]:
    """What arrived. Raises NotTheirs; entries with a mark that is not ours are passed over."""
    told = parsed(body)
    if told is None:
        raise NotTheirs("no JSON")
    found: list[Delivered | Failed] = []
    for entry in map(table, told.values()):
        for token in word(entry.get("targets")).split(","):
            try:
                receipt = receipt_in(secret, token, entry.get("param"))
            except NotTheirs:
                continue
            found.append(Delivered(receipt=receipt, token=token))
    if told and not found:
        raise NotTheirs("no entry bears a mark of ours")
    return found
