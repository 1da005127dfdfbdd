"""How a far end over HTTP/2 behaves: shares, limits and cases as frozen data, and the draw for each request."""

from __future__ import annotations

from itertools import accumulate
from random import Random
from typing import Final, Literal, NamedTuple, get_args

import msgspec

from push.app.simulator.script import Span

Deed = Literal[
    "accept",
    "slow",
    "silent",
    "stuck",
    "reset",
    "cut_taken",
    "garbage",
    "goaway_taken",
    "refuse",
    "ignore",
    "cut",
    "goaway",
    "busy",
    "empty",
    "error",
]
"""What happens to a request. Taken: ``slow``: answered late; ``silent``: never answered; ``stuck``: headers without an
end; ``reset``: RST_STREAM; ``cut_taken``: the connection is cut; ``garbage``: bytes that are no frames;
``goaway_taken``: answered, then GOAWAY. Not taken: ``refuse``: REFUSED_STREAM; ``ignore``: never answered; ``cut``;
``goaway``: GOAWAY with the stream in front of it as the last; ``busy``: 503; ``empty``: 503 without a body; ``error``: 500."""

TAKING: Final[frozenset[Deed]] = frozenset(
    {"accept", "slow", "silent", "stuck", "reset", "cut_taken", "garbage", "goaway_taken"}
)
SHARED: Final[tuple[Deed, ...]] = get_args(Deed)[1:]


class Shares(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shares (0 to 1) of requests; the rest is accepted."""

    slow: float = 0.0
    silent: float = 0.0
    stuck: float = 0.0
    reset: float = 0.0
    cut_taken: float = 0.0
    garbage: float = 0.0
    goaway_taken: float = 0.0
    refuse: float = 0.0
    ignore: float = 0.0
    cut: float = 0.0
    goaway: float = 0.0
    busy: float = 0.0
    empty: float = 0.0
    error: float = 0.0

    def __post_init__(self) -> None:
        told = msgspec.structs.asdict(self)
        for field, value in told.items():
            if not 0 <= value <= 1:
                raise ValueError(f"shares.{field}: {value} is not 0 to 1")
        if sum(told.values()) > 1 + 1e-9:
            raise ValueError("shares: they are above 1 together")


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What befalls devices whose token begins with ``token``: the vendor's own refusal."""

    token: str
    status: int
    reason: str = ""
    retry_after_s: int = 0


class Http2Script(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A far end's behaviour. Every ValueError names the field that is wrong."""

    seed: int = 1
    streams: int = 1_000
    """SETTINGS_MAX_CONCURRENT_STREAMS."""
    first_streams: int = 1
    """The same until a first request was accepted, as with Apple (apns §1)."""
    window: int = 65_535
    """SETTINGS_INITIAL_WINDOW_SIZE."""
    header_list: int = 8_000
    """SETTINGS_MAX_HEADER_LIST_SIZE."""
    slow_ms: Span = Span(20, 200)
    shares: Shares = Shares()
    cases: tuple[Case, ...] = ()

    def __post_init__(self) -> None:
        for field, least in (("streams", 1), ("first_streams", 1), ("window", 0), ("header_list", 100)):
            if not least <= getattr(self, field) < 1 << 31:
                raise ValueError(f"{field}: {getattr(self, field)} is out of range")


class Play(NamedTuple):
    """What happens to one request."""

    deed: Deed
    slow_s: float


class Player:
    """A script being played: the same seed and the same requests give the same history."""

    def __init__(self, script: Http2Script, name: str) -> None:
        self._script = script
        self._random = Random(f"{script.seed}/{name}")  # noqa: S311 - it is to be repeatable
        told = msgspec.structs.asdict(script.shares)
        sums = accumulate(told[deed] for deed in SHARED)
        self._limits = [(deed, limit) for deed, limit in zip(SHARED, sums, strict=True) if told[deed]]

    def play(self) -> Play:
        """The next request; two draws each time."""
        draw, slow = self._random.random(), self._random.random()
        deed: Deed = next((deed for deed, limit in self._limits if draw < limit), "accept")
        return Play(deed, self._script.slow_ms.seconds(slow))
