"""A mark of our own in what a vendor sends back, where the vendor signs nothing (Xiaomi, OPPO, vivo, Honor). Pure.

``<16 hex of the push's id>.<32 hex of HMAC-SHA256 over id LF token>``: 49 characters, OPPO's field takes 50. Who never
saw the request cannot make one, nor turn it to another device; the same one twice changes nothing that is told already.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Final

from push.app.calls import NotTheirs, short_id

ID_LENGTH: Final = 16
_MARK: Final = re.compile(r"([0-9a-f]{16})\.([0-9a-f]{32})", re.ASCII)


def mark(secret: str, token: str, push_id: str) -> str:
    """What goes out with the push to ``token``."""
    own = short_id(push_id, ID_LENGTH)
    return f"{own}.{_mac(secret, token, own)}"


def receipt_in(secret: str, token: str, told: object) -> str:
    """The receipt that a mark stands for. Raises NotTheirs where it is none of ours for this device."""
    found = _MARK.fullmatch(told) if isinstance(told, str) else None
    if found is None or not secret or not hmac.compare_digest(found[2], _mac(secret, token, found[1])):
        raise NotTheirs("the mark is missing or not ours")
    return found[1]


def receipt_for(secret: str, push_id: str) -> str:
    """The receipt that will come back; empty where no receipts are asked for."""
    return short_id(push_id, ID_LENGTH) if secret else ""


def header(headers: Mapping[str, str], name: str) -> str:
    """One header, whatever its case; empty where it is missing."""
    return next((value for key, value in headers.items() if key.lower() == name.lower()), "")


def _mac(secret: str, token: str, own: str) -> str:
    return hmac.digest(secret.encode(), f"{own}\n{token}".encode(), hashlib.sha256).hex()[:32]
