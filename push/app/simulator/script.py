"""How simulated vendors behave, as frozen data: shares, delays and cases, read from TOML. Nothing here is drawn yet."""

from __future__ import annotations

from typing import Final, Literal, get_args

import msgspec

Deed = Literal[
    "accept",
    "refuse",
    "quota",
    "throttle",
    "error",
    "busy",
    "slow",
    "silent",
    "cut",
    "cut_taken",
    "garbage",
    "expire",
]
"""What happens to a request. ``refuse``: a fault of our account. ``quota``: the day's number is used up. ``throttle``:
the vendor's own code for too fast. ``error``: HTTP 500; ``busy``: HTTP 503 with Retry-After. ``slow``: taken, answered late.
``silent``: taken, never answered. ``cut``: connection ended, nothing taken; ``cut_taken``: taken, then ended. ``garbage``:
taken, answered with what nobody can read. ``expire``: the token is declared old."""

TAKING: Final[frozenset[Deed]] = frozenset({"accept", "slow", "silent", "cut_taken", "garbage"})
"""Deeds after which the devices get the alert, hence on the record."""

SHARED: Final[tuple[Deed, ...]] = get_args(Deed)[1:]
_MS: Final = 1_000


def _share(field: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{field}: {value} is not 0 to 1")


class Answers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shares (0 to 1) of requests; the rest is accepted."""

    refuse: float = 0.0
    quota: float = 0.0
    throttle: float = 0.0
    error: float = 0.0
    busy: float = 0.0
    slow: float = 0.0
    silent: float = 0.0
    cut: float = 0.0
    cut_taken: float = 0.0
    garbage: float = 0.0
    expire: float = 0.0

    def __post_init__(self) -> None:
        for field, value in msgspec.structs.asdict(self).items():
            _share(f"answers.{field}", value)
        if sum(msgspec.structs.astuple(self)) > 1 + 1e-9:
            raise ValueError("answers: the shares are above 1 together")


class Span(msgspec.Struct, frozen=True, array_like=True):
    """Milliseconds from ``least`` to ``most``."""

    least: float
    most: float

    def __post_init__(self) -> None:
        if not 0 <= self.least <= self.most:
            raise ValueError(f"delays: {self.least} to {self.most} ms is no span")

    def seconds(self, draw: float) -> float:
        """For a draw of 0 to 1."""
        return (self.least + (self.most - self.least) * draw) / _MS


class Delays(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Milliseconds."""

    slow: Span = Span(2_000, 5_000)
    receipt: Span = Span(50, 1_000)
    """From the acceptance to the callback."""


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What befalls certain requests or devices, whatever the shares say.

    ``at`` numbers the requests of a vendor from 1; ``token`` is the beginning of a device's token. A case with a token
    and ``gone`` makes that device dead; else the whole request gets ``answer``.
    """

    vendor: str = ""
    """Empty: every one."""
    token: str = ""
    at: tuple[int, ...] = ()
    answer: Deed = "accept"
    code: str = ""
    """Of a refusal, in the vendor's own numbers; empty takes the vendor's usual one."""
    gone: bool = False

    def __post_init__(self) -> None:
        if not self.token and not self.at:
            raise ValueError("cases: one names neither token nor at")
        if self.gone and not self.token:
            raise ValueError("cases.gone: needs a token")


class Script(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The vendors' behaviour. Every ValueError names the field that is wrong."""

    seed: int = 1
    gone: float = 0.0
    """Share of devices whose token is dead, for good: the same token is dead each time."""
    delivered: float = 1.0
    """Share of what was taken that a receipt reports as delivered, where receipts are asked for."""
    answers: Answers = Answers()
    delays: Delays = Delays()
    cases: tuple[Case, ...] = ()

    def __post_init__(self) -> None:
        _share("gone", self.gone)
        _share("delivered", self.delivered)


def read_script(text: str) -> Script:
    """The script of a TOML file. Raises ValueError naming the field that is wrong."""
    try:
        return msgspec.toml.decode(text, type=Script)
    except msgspec.MsgspecError as fault:
        raise ValueError(str(fault)) from None
