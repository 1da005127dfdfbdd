"""How a simulated carrier behaves, as frozen data: shares, delays and cases, read from TOML. Nothing here is drawn yet."""

from __future__ import annotations

from typing import Final, Literal, get_args

import msgspec

Deed = Literal["accept", "refuse", "throttle", "silent", "ignore", "drop", "drop_accepted"]
"""What happens to a submit. ``silent``: accepted, but the answer never leaves; ``ignore``: neither taken nor answered;
``drop``: the connection is cut and nothing was taken; ``drop_accepted``: accepted, then the connection is cut."""

ACCEPTING: Final[frozenset[Deed]] = frozenset({"accept", "silent", "drop_accepted"})
"""Deeds after which the segment is accepted, hence on the invoice."""

SHARED: Final[tuple[Deed, ...]] = get_args(Deed)[1:]
"""Deeds that the script gives a share to; the rest is accepted."""

Twist = Literal["lost", "early", "interim", "late", "reordered", "duplicate", "contradicting"]
"""What happens to the report of an accepted segment. ``early``: before the answer; ``interim``: ACCEPTD goes ahead;
``reordered``: held back until others have overtaken it; ``contradicting``: a second final report says the opposite."""

TWISTS: Final[tuple[Twist, ...]] = get_args(Twist)
_MS: Final = 1_000


class Failure(msgspec.Struct, frozen=True):
    """The word of a failed report, and the error code beside it (SGIP has only the code)."""

    stat: str
    error: str


def failure_of(text: str) -> Failure:
    """``UNDELIV/029``: a word of at most 7 ASCII characters, a code of 0 to 255. Raises ValueError naming ``failures``."""
    stat, _, error = text.rpartition("/")
    fits = 0 < len(stat) <= 7 and stat.isascii() and stat.isprintable() and " " not in stat
    if not fits or stat == "DELIVRD":
        raise ValueError(f"failures: {text!r} has no word of 1 to 7 letters in front of the /")
    if not (error.isascii() and error.isdecimal() and len(error) <= 3 and int(error) <= 255):
        raise ValueError(f"failures: {text!r} has no code of 0 to 255 behind the /")
    return Failure(stat, error)


def _shares(where: str, struct: msgspec.Struct) -> None:
    for field, value in msgspec.structs.asdict(struct).items():
        _share(f"{where}.{field}", value)


def _share(field: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{field}: {value} is not 0 to 1")


def _text(field: str, text: str) -> None:
    if len(text.encode("utf-16-be", "surrogatepass")) > 140:
        raise ValueError(f"{field}: {text!r} is longer than one segment of 70 characters")


class Answers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shares (0 to 1) of submits; the rest is accepted."""

    refuse: float = 0.0
    throttle: float = 0.0
    silent: float = 0.0
    ignore: float = 0.0
    drop: float = 0.0
    drop_accepted: float = 0.0

    def __post_init__(self) -> None:
        _shares("answers", self)
        if sum(msgspec.structs.astuple(self)) > 1 + 1e-9:
            raise ValueError("answers: the shares are above 1 together")


class Reports(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shares (0 to 1) of accepted segments; each is drawn for itself."""

    failed: float = 0.0
    lost: float = 0.0
    early: float = 0.0
    interim: float = 0.0
    late: float = 0.0
    reordered: float = 0.0
    duplicate: float = 0.0
    contradicting: float = 0.0

    def __post_init__(self) -> None:
        _shares("reports", self)


class Span(msgspec.Struct, frozen=True, array_like=True):
    """Milliseconds from ``least`` to ``most``."""

    least: float
    most: float

    def __post_init__(self) -> None:
        if not 0 <= self.least <= self.most:
            raise ValueError(f"delays: {self.least} to {self.most} ms is no span")

    def at(self, draw: float) -> int:
        """The microseconds for a draw of 0 to 1."""
        return int((self.least + (self.most - self.least) * draw) * _MS)


class Delays(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Milliseconds; ``late`` and ``reordered`` come on top of ``report``, ``again`` lies between two reports."""

    report: Span = Span(50, 400)
    late: Span = Span(5_000, 30_000)
    reordered: Span = Span(500, 1_000)
    again: Span = Span(50, 500)
    reply: Span = Span(1_000, 5_000)
    """After the report."""


class Replies(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Messages from phones: ``share`` of the delivered segments is answered with one of ``texts``."""

    share: float = 0.0
    texts: tuple[str, ...] = ("1", "2 张伟", "3 出差", "R", "T")

    def __post_init__(self) -> None:
        _share("replies.share", self.share)
        for text in self.texts:
            _text("replies.texts", text)
        if self.share and not self.texts:
            raise ValueError("replies.texts: is empty")


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What befalls certain submits, whatever the shares say: those to numbers with ``prefix``, or the n-th (from 1) ones.

    What it does not name is ordinary: accepted, delivered, one report, no reply.
    """

    prefix: str = ""
    at: tuple[int, ...] = ()
    answer: Deed = "accept"
    code: int = 0
    """Of a refusal; 0 takes the protocol's."""
    failed: str = ""
    """``UNDELIV/029``: the report says so; empty: delivered."""
    twists: tuple[Twist, ...] = ()
    reply: str = ""

    def __post_init__(self) -> None:
        if not self.prefix and not self.at:
            raise ValueError("cases: one names neither prefix nor at")
        if not 0 <= self.code < 1 << 32:
            raise ValueError(f"cases.code: {self.code} is no code")
        if self.failed:
            failure_of(self.failed)
        _text("cases.reply", self.reply)


class Script(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A carrier's behaviour. Every ValueError names the field that is wrong."""

    seed: int = 1
    rate_per_s: float = 0.0
    """Submits per second of one account; above it they are throttled. 0: no limit."""
    refusals: tuple[int, ...] = ()
    """Codes of refusals in the protocol's own numbers; empty takes the protocol's."""
    failures: tuple[str, ...] = ("UNDELIV/029", "EXPIRED/022", "MA:0001/012")
    answers: Answers = Answers()
    reports: Reports = Reports()
    delays: Delays = Delays()
    replies: Replies = Replies()
    cases: tuple[Case, ...] = ()

    def __post_init__(self) -> None:
        if self.rate_per_s < 0:
            raise ValueError(f"rate_per_s: {self.rate_per_s} is below 0")
        if not all(0 < code < 1 << 32 for code in self.refusals):
            raise ValueError(f"refusals: {self.refusals} holds what is no refusal")
        if not self.failures:
            raise ValueError("failures: is empty")
        for one in self.failures:
            failure_of(one)


def read_script(text: str) -> Script:
    """The script of a TOML file. Raises ValueError naming the field that is wrong."""
    try:
        return msgspec.toml.decode(text, type=Script)
    except msgspec.MsgspecError as fault:
        raise ValueError(str(fault)) from None
