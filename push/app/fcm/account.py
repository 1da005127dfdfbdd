"""A Firebase project's service account: what the operator's JSON file says, and what is wrong with it. Pure."""

from __future__ import annotations

import re
from typing import Final, Literal, Self
from urllib.parse import urlsplit

import msgspec

from push.app.calls import check_filled
from push.app.jose import rsa_key

URL: Final = "https://fcm.googleapis.com"
TOKEN_URI: Final = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
SCOPE: Final = "https://www.googleapis.com/auth/firebase.messaging"

_PROJECT: Final = re.compile(r"[0-9a-z.:-]{1,100}")


class Place(msgspec.Struct, frozen=True):
    """Where an https address leads: ``authority`` is the host with a port other than 443."""

    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """As a request names it."""
        return self.host if self.port == 443 else f"{self.host}:{self.port}"


class _File(msgspec.Struct):
    project_id: str
    client_email: str
    private_key: str
    private_key_id: str
    token_uri: str = TOKEN_URI


class FcmAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Raises ValueError naming the field that is wrong; never shows the key."""

    project_id: str
    client_email: str
    private_key: str
    private_key_id: str
    token_uri: str = TOKEN_URI
    url: str = URL
    style: Literal["notification", "data"] = "notification"
    """``data``: the app draws the alert itself, and can report that it was shown (fcm §5)."""
    channel: str = "songda"
    """The app's notification channel; since Android 8 it decides on the sound."""
    quiet_channel: str = "songda_quiet"
    base_url: str = ""

    @classmethod
    def read(cls, service_account: str) -> Self:
        """The account of a service account's JSON file; what is set beside it is set with ``msgspec.structs.replace``."""
        try:
            told = msgspec.json.decode(service_account, type=_File)
        except msgspec.MsgspecError as fault:
            # The text of a fault names fields and types, never a value.
            raise ValueError(f"service_account: {fault}") from None
        return cls(**msgspec.structs.asdict(told))

    def __post_init__(self) -> None:
        check_filled(self, "project_id", "client_email", "private_key", "private_key_id", "channel")
        if not _PROJECT.fullmatch(self.project_id):
            raise ValueError(f"project_id: {self.project_id!r} is no project")
        place_of("token_uri", self.token_uri)
        place_of("url", self.url)

    def __repr__(self) -> str:
        """Without the key."""
        return f"FcmAccount(project_id={self.project_id!r}, client_email={self.client_email!r})"


def check_key(account: FcmAccount) -> None:
    """Raises ValueError where the key is none; apart, because it takes 30 ms (fcm §1)."""
    rsa_key(account.private_key)


def place_of(field: str, url: str) -> Place:
    """Raises ValueError naming ``field`` unless ``url`` is an https address without user, query or fragment."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
        plain = not (parts.query or parts.fragment or parts.username) and host.isascii() and url.isprintable()
        known = parts.scheme == "https" and host != "" and plain
    except ValueError:
        known, host, port, parts = False, "", 0, urlsplit("")
    if not known:
        raise ValueError(f"{field}: {url!r} is no plain https address")
    return Place(host, port, parts.path)
