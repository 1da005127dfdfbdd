"""One app's account with Apple: what an operator enters, and what is wrong with it. Pure."""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

from push.app.calls import check_filled
from push.app.jose import p256_key

HOSTS: Final = {"production": "api.push.apple.com", "sandbox": "api.sandbox.push.apple.com"}
PORT: Final = 443
"""2197 does the same job where a firewall wants it (apns §1)."""

_ID: Final = re.compile(r"[0-9A-Z]{10}")
_TOPIC: Final = re.compile(r"[\x21-\x7e]{1,255}")
_HOST: Final = re.compile(r"[0-9A-Za-z.:-]{1,253}")


class ApnsAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Raises ValueError naming the field that is wrong; never shows the key."""

    team_id: str
    key_id: str
    key_pem: str
    """The content of the ``.p8`` file."""
    topic: str
    """The app's bundle id."""
    environment: Literal["production", "sandbox"] = "production"
    host: str = ""
    """Empty for Apple's host of the environment."""
    port: int = PORT
    base_url: str = ""
    """What a tap's path is put behind; empty: the app knows its house."""

    def __post_init__(self) -> None:
        check_filled(self, "team_id", "key_id", "key_pem", "topic")
        for field in ("team_id", "key_id"):
            if not _ID.fullmatch(getattr(self, field)):
                raise ValueError(f"{field}: is not 10 capital letters and digits")
        if not _TOPIC.fullmatch(self.topic):
            raise ValueError(f"topic: {self.topic!r} is no bundle id")
        if self.host and not _HOST.fullmatch(self.host):
            raise ValueError(f"host: {self.host!r} is no host")
        if not 0 < self.port < 1 << 16:
            raise ValueError(f"port: {self.port} is no port")
        p256_key(self.key_pem)

    @property
    def server(self) -> str:
        """The host to connect to."""
        return self.host or HOSTS[self.environment]

    @property
    def authority(self) -> str:
        """As the request names it."""
        return self.server if self.port == PORT else f"{self.server}:{self.port}"

    def __repr__(self) -> str:
        """Without the key."""
        return f"ApnsAccount(team_id={self.team_id!r}, key_id={self.key_id!r}, topic={self.topic!r})"
