"""An account with Huawei Push Kit. Pure."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from push.app.calls import check_filled, check_url

HARMONY: Final = "harmony:"
"""Goes before the token of a HarmonyOS 5 device where it is registered: v1 does not reach those (huawei, head)."""

Category = Literal["IM", "SUBSCRIPTION", "TRAVEL", "WORK", "ACCOUNT", "DEVICE_REMINDER", "MAIL", "MARKETING"]


class ServiceKey(msgspec.Struct, frozen=True, kw_only=True):
    """The key file of a service account (huawei §1)."""

    project_id: str
    key_id: str
    private_key: str
    """RSA, PKCS#8 as PEM."""
    sub_account: str
    algorithm: Literal["PS256", "RS256"] = "PS256"
    """Huawei's text says PS256, one open server signs RS256."""

    def __post_init__(self) -> None:
        check_filled(self, "project_id", "key_id", "private_key", "sub_account")

    def __repr__(self) -> str:
        """Without the key."""
        return f"ServiceKey(project_id={self.project_id!r}, key_id={self.key_id!r})"


class HuaweiCallback(msgspec.Struct, frozen=True, kw_only=True):
    """User name and key of the receipts, as entered in AppGallery Connect (huawei §5)."""

    user: str
    key: str

    def __repr__(self) -> str:
        """Without the key."""
        return f"HuaweiCallback(user={self.user!r})"


class HuaweiAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Raises ValueError naming the field that is wrong; never shows a secret."""

    client_id: str
    client_secret: str
    home: str
    """The address of this house, put before the path that a tap opens."""
    service: ServiceKey | None = None
    """For HarmonyOS 5; without it its devices cannot be reached."""
    url: str = "https://push-api.cloud.huawei.com"
    login_url: str = "https://oauth-login.cloud.huawei.com"
    category: Category = "WORK"
    """Has to be granted: what is not counts as marketing, silent, two a day (huawei §6)."""
    channel_id: str = ""
    receipt_id: str = ""
    high_priority: bool = False
    """Whether Huawei granted urgency HIGH; without the right it refuses the whole message (80300011)."""
    test: bool = False
    """Test messages: 500 a day (v1), 1,000 (v3)."""

    def __post_init__(self) -> None:
        check_filled(self, "client_id", "client_secret")
        for field in ("home", "url", "login_url"):
            check_url(field, getattr(self, field))

    def __repr__(self) -> str:
        """Without the secret: it would reach a log with the first exception."""
        return f"HuaweiAccount(client_id={self.client_id!r}, url={self.url!r})"
