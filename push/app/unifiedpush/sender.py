"""UnifiedPush is Web Push since its specification AND_3: RFC 8030, 8291, 8292, any 2xx, at most 4096 bytes.

What differs is who names the server: often a machine of the house, which ``WebPushRules.endpoints`` has to list. A
client from before 2024 hands in an endpoint without keys; its alerts would be readable on the way, so that they are
refused as ``subscription_unencrypted`` unless ``WebPushRules.plain`` allows them.

``Push.token`` is ``{"endpoint": "…", "keys": {"p256dh": "…", "auth": "…"}}``.
"""

from __future__ import annotations

from push.app.sender import Vendor
from push.app.webpush.sender import WebPushSender


class UnifiedPushSender(WebPushSender):
    """One VAPID key's way to phones whose distributor speaks UnifiedPush."""

    vendor: Vendor = "unifiedpush"
