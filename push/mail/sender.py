"""The way to the office's mail relay: what is handed in, what is told. As the ports of push/app."""

from __future__ import annotations

from typing import Literal

import msgspec

Security = Literal["starttls", "tls", "none"]


class Relay(msgspec.Struct, frozen=True, kw_only=True):
    """The relay and how to talk to it. Seconds; each wait has a limit (RFC 5321 §4.5.3.2 gives the longest)."""

    host: str
    port: int
    security: Security = "starttls"
    user: str = ""
    password: str = ""
    ca_file: str = ""
    """Who signed the relay's certificate, where it is the office's own authority; "": the system's."""
    hello: str = "localhost"
    connect_s: float = 15
    command_s: float = 30
    content_s: float = 120
    """From the end of the content to the relay's word: it stores meanwhile."""
    idle_s: float = 20
    """A connection that was quiet for so long is not trusted with the next mail."""


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """One mail to one address. ``sender`` is the envelope's, ``mark`` its ENVID where the relay tells statuses (RFC 3461)."""

    mark: int
    sender: str
    to: str
    content: bytes


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The relay took it; ``receipt`` is what it called it."""

    receipt: str = ""


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A 5xx. ``dead``: the address itself (RFC 3463 X.1.1, X.1.2, X.1.3, X.1.6, X.1.10, X.2.1), no fault of ours or the road's."""

    code: str
    dead: bool = False


class Deferred(msgspec.Struct, frozen=True, kw_only=True):
    """A 4xx, or nobody was reached: nothing was taken. ``alarm``: account, certificate, settings; somebody has to mend it.

    ``down``: no mail at all would pass now.
    """

    code: str
    alarm: bool = False
    down: bool = False


class InDoubt(msgspec.Struct, frozen=True, kw_only=True):
    """The whole content went out and no word came back: the relay may have taken it."""

    why: str


Outcome = Accepted | Refused | Deferred | InDoubt
