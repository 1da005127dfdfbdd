"""An account with Xiaomi Push. Pure."""

from __future__ import annotations

import msgspec

from push.app.calls import check_filled, check_url


class XiaomiAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Raises ValueError naming the field that is wrong; never shows a secret."""

    secret: str
    """AppSecret; it does not expire."""
    package: str
    channel_id: str
    """The granted notification class: required since 2024-11 (xiaomi §5)."""
    home: str
    """The address of this house, put before the path that a tap opens."""
    url: str = "https://api.xmpush.xiaomi.com"
    callback_url: str = ""
    """Where receipts come; empty asks for none. At most 128 bytes."""
    callback_type: int = 1
    """What is reported: 1 delivered; 17 with dead devices too, where a trial shows that Xiaomi takes it (xiaomi §3)."""
    callback_secret: str = ""
    """Ours: signs the mark that comes back, as Xiaomi signs nothing."""

    def __post_init__(self) -> None:
        check_filled(self, "secret", "package", "channel_id")
        for field in ("home", "url"):
            check_url(field, getattr(self, field))
        if self.callback_url and not self.callback_secret:
            raise ValueError("callback_secret: is empty")
        if len(self.channel_id) > 64 or len(self.home) > 128:
            raise ValueError("channel_id, home: longer than 64 or 128 characters")
        if len(self.callback_url.encode()) > 128:
            raise ValueError("callback_url: longer than 128 bytes")

    def __repr__(self) -> str:
        """Without the secret: it would reach a log with the first exception."""
        return f"XiaomiAccount(package={self.package!r}, url={self.url!r})"
