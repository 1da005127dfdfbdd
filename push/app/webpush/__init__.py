"""Web Push: RFC 8030, encrypted by RFC 8291, with a VAPID key (RFC 8292)."""

from push.app.webpush.sender import WebPushRules, WebPushSender
from push.app.webpush.vapid import VapidKey

__all__ = ["VapidKey", "WebPushRules", "WebPushSender"]
