"""An account with vivo push. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from push.app.calls import TO_DO, check_filled, check_url, check_word

CATEGORIES: Final = frozenset({"IM", "ACCOUNT", TO_DO, "DEVICE_REMINDER", "SUBSCRIPTION"})
"""Of the service class, each to be granted."""


class VivoAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Raises ValueError naming the field that is wrong; never shows a secret."""

    app_id: str
    app_key: str
    app_secret: str
    home: str
    """The address of this house, put before the path that a tap opens."""
    url: str = "https://api-push.vivo.com.cn"
    category: str = TO_DO
    test: bool = False
    """Test pushes: to registered test devices only, without receipts."""
    callback_url: str = ""
    """Where receipts come; empty asks for none. At most 128 characters."""
    callback_secret: str = ""
    """Ours: signs the mark that comes back."""

    def __post_init__(self) -> None:
        check_filled(self, "app_id", "app_key", "app_secret")
        check_word("category", self.category, CATEGORIES)
        for field in ("home", "url"):
            check_url(field, getattr(self, field))
        if self.callback_url and not self.callback_secret:
            raise ValueError("callback_secret: is empty")
        if len(self.callback_url) > 128:
            raise ValueError("callback_url: longer than 128 characters")

    def __repr__(self) -> str:
        """Without the secret: it would reach a log with the first exception."""
        return f"VivoAccount(app_id={self.app_id!r}, url={self.url!r})"
