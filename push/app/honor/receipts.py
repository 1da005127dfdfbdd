"""Honor's receipts, believed to be like Huawei's (sheet, Honor). How they are signed is not known: our mark is. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from push.app.calls import Delivered, Failed, NotTheirs, Receipt, parsed, table
from push.app.huawei.receipts import read_statuses
from push.app.marks import receipt_in


def receipts(
    headers: Mapping[str, str],  # noqa: ARG001 - nothing in them is known to show whose they are
    body: bytes,
    secret: str,
    now: int,  # noqa: ARG001 - a mark has no age: it settles what was settled already
) -> list[Delivered | Failed]:
    """What became of devices. Raises NotTheirs; entries with a mark that is not ours are passed over."""
    told = parsed(body)
    statuses = told.get("statuses") if told is not None else None
    if not isinstance(statuses, list):
        raise NotTheirs("no statuses")
    ours = [one for one in statuses if _is_ours(table(one), secret)]
    if statuses and not ours:
        raise NotTheirs("no entry bears a mark of ours")
    # Huawei's codes are not known to be Honor's: they condemn nobody.
    return [_kept(one) for one in read_statuses(ours)]


def _kept(receipt: Receipt) -> Receipt:
    return msgspec.structs.replace(receipt, gone=False) if isinstance(receipt, Failed) else receipt


def _is_ours(entry: dict[str, object], secret: str) -> bool:
    try:
        receipt_in(secret, "", entry.get("biTag"))
    except NotTheirs:
        return False
    return True
