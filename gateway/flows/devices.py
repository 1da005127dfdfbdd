"""A person's devices and preferences, and why somebody was or was not alerted."""

from __future__ import annotations

from typing import Final, get_args

from push.app.sender import Vendor

VENDORS: Final[tuple[str, ...]] = get_args(Vendor)
SUBSCRIBED: Final = frozenset({"webpush", "unifiedpush"})
"""Vendors whose address is a URL that anybody may name: it is looked at before it is kept (SSRF)."""
