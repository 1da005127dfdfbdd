"""UnifiedPush: the phone's owner names the push server. To us its endpoints are endpoints of Web Push."""

from push.app.unifiedpush.sender import UnifiedPushSender

__all__ = ["UnifiedPushSender"]
