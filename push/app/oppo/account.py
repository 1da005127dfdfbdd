"""An account with OPPO push. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from push.app.calls import TO_DO, check_filled, check_url, check_word

CATEGORIES: Final = frozenset({"IM", "ACCOUNT", TO_DO, "SUBSCRIPTION"})
"""Of the service class, each to be granted."""


class OppoAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Raises ValueError naming the field that is wrong; never shows a secret."""

    app_key: str
    master_secret: str
    home: str
    """The address of this house, put before the path that a tap opens."""
    url: str = "https://api.push.oppomobile.com"
    channel_id: str = ""
    category: str = TO_DO
    """A category of the service class: unlimited, once it is granted."""
    banner: bool = False
    """Whether level 16 (banner, sound, vibration) was granted; else 2, with the lock screen."""
    callback_url: str = ""
    """Where receipts come; empty asks for none. At most 200 characters."""
    callback_secret: str = ""
    """Ours: signs the mark that comes back."""

    def __post_init__(self) -> None:
        check_filled(self, "app_key", "master_secret")
        check_word("category", self.category, CATEGORIES)
        for field in ("home", "url"):
            check_url(field, getattr(self, field))
        if self.callback_url and not self.callback_secret:
            raise ValueError("callback_secret: is empty")
        if len(self.callback_url) > 200:
            raise ValueError("callback_url: longer than 200 characters")

    def __repr__(self) -> str:
        """Without the secret: it would reach a log with the first exception."""
        return f"OppoAccount(app_key={self.app_key!r}, url={self.url!r})"
