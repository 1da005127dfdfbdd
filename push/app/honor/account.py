"""An account with Honor push. Pure."""

from __future__ import annotations

import msgspec

from push.app.calls import check_filled, check_url


class HonorAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Raises ValueError naming the field that is wrong; never shows a secret."""

    app_id: str
    client_id: str
    client_secret: str
    home: str
    """The address of this house, put before the path that a tap opens."""
    url: str = "https://push-api.cloud.honor.com"
    login_url: str = "https://iam.developer.honor.com"
    test: bool = False
    """Test messages: 1000 a day."""
    callback_secret: str = ""
    """Ours: signs the mark that goes out as biTag; empty where no receipt address is registered."""

    def __post_init__(self) -> None:
        check_filled(self, "app_id", "client_id", "client_secret")
        for field in ("home", "url", "login_url"):
            check_url(field, getattr(self, field))

    def __repr__(self) -> str:
        """Without the secret: it would reach a log with the first exception."""
        return f"HonorAccount(app_id={self.app_id!r}, url={self.url!r})"
