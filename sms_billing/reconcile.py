"""Our attempts against a carrier's detail file, line by line: every kind of difference, and what was in doubt found again.

Lines are matched by message id. An attempt without an id (no answer came) is matched by number, access number with
extension, and minute where that leaves no choice (sms-charges 4.5). Both sides are iterators: what is held is one bucket
of ours, so that a caller who splits both sides by ``bucket_of`` bounds the memory as far as it likes.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Literal, NamedTuple
from zlib import crc32

import msgspec

from sms_billing.detail import CarrierStatus, DetailFormat, DetailLine, Unreadable
from sms_billing.doubts import Doubts
from sms_billing.lines import BillOn

TOLERANCE_PERMILLE: Final = 5
"""How far both sides may differ for a month to close without open items: 0.5 % (sms-charges 4.5)."""

OurStatus = Literal["delivered", "failed", "unreported", "in_doubt"]
"""``unreported``: accepted, no final report so far; ``in_doubt``: the answer is missing, though the id is known (SGIP)."""

DifferenceKind = Literal[
    "ours_only",
    "theirs_only",
    "segments_differ",
    "status_differs",
    "duplicate",
    "unreadable",
    "found",
    "not_found",
    "ambiguous",
]
"""``found``: an attempt in doubt that the file knows: to be settled with its line. ``not_found``: one it does not know.
``ambiguous``: one that several lines could be, or the other way round: a person decides."""

DIFFERENCE_ZH: Final[dict[DifferenceKind, str]] = {
    "ours_only": "我方有、运营商无",
    "theirs_only": "运营商有、我方无",
    "segments_differ": "条数不一致",
    "status_differs": "状态不一致",
    "duplicate": "运营商重复计费",
    "unreadable": "详单行无法识别",
    "found": "存疑已查明",
    "not_found": "存疑未查到",
    "ambiguous": "存疑无法唯一对应",
}


class Sent(NamedTuple):
    """One segment of ours with a message id, accepted or in doubt; ``at`` is its acceptance (UTC microseconds)."""

    attempt_id: int
    message_id: str
    at: int
    status: OurStatus


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One difference. ``attempt_id`` is ours, ``line_no`` and ``line`` are theirs, each where that side has one."""

    kind: DifferenceKind
    attempt_id: int | None = None
    line_no: int | None = None
    line: DetailLine | None = None
    message_id: str = ""
    our_segments: int = 0
    their_segments: int = 0
    our_status: OurStatus | None = None
    their_status: CarrierStatus | None = None
    reason: str = ""


class Matched(msgspec.Struct, frozen=True, kw_only=True):
    """Both sides of a period in figures, in segments; ``kinds`` counts differences, ``lines`` those of the file."""

    ours: int
    theirs: int
    lines: int
    agreed: int
    kinds: dict[DifferenceKind, int]

    @property
    def within(self) -> bool:
        """Whether the two differ by no more than the tolerance, measured against the carrier's figure."""
        return abs(self.ours - self.theirs) * 1000 <= self.theirs * TOLERANCE_PERMILLE


def bucket_of(key: str, buckets: int) -> int:
    """Which of so many buckets an id falls into, as ``id_key`` writes it; alike on every machine."""
    return crc32(key.encode()) % buckets


def id_key(form: DetailFormat) -> Callable[[str], str]:
    """How ids are written to be compared, on both sides."""
    return _hex_key if form.ids == "hex" else str.strip


def _hex_key(text: str) -> str:
    return text.strip().lower().lstrip("0")


_OUR_CODES: Final[dict[OurStatus, int]] = {"delivered": 0, "failed": 1, "unreported": 2, "in_doubt": 4}
_THEIR_CODES: Final[dict[CarrierStatus, int]] = {"delivered": 0, "failed": 1, "unknown": 2, "refused": 3}
_OUR_WORDS: Final = {code: word for word, code in _OUR_CODES.items()}
_THEIR_WORDS: Final = {code: word for word, code in _THEIR_CODES.items()}
_IN_DOUBT: Final = _OUR_CODES["in_doubt"]
_UNSEEN: Final = -1
_AGREED: Final[tuple[DifferenceKind, ...]] = ()
_FOUND: Final[tuple[DifferenceKind, ...]] = ("found",)
_COUNTED_OURS: Final[dict[BillOn, frozenset[OurStatus]]] = {
    "accepted": frozenset(("delivered", "failed", "unreported")),
    "delivered": frozenset(("delivered",)),
}
_COUNTED_THEIRS: Final[dict[BillOn, frozenset[CarrierStatus]]] = {
    "accepted": frozenset(("delivered", "failed", "unknown")),
    "delivered": frozenset(("delivered",)),
}


class _Ours:
    """One bucket of our messages, packed: some 200 bytes for each instead of a kilobyte as objects."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}
        self.attempts = array("q")
        self.segments = array("i")
        self.statuses = array("b")
        self.counted = array("b")
        self.theirs = array("i")
        self.their_statuses = array("b")
        self.line_nos = array("q")
        self.found: dict[int, DetailLine] = {}
        """The lines of what was in doubt: few, and kept whole, as they settle it."""

    def add(self, sent: Sent, key: str, *, counted: bool) -> None:
        """One more segment of ours; of a message with one id for all its segments they come one by one."""
        place = self.places.setdefault(key, len(self.attempts))
        if place < len(self.attempts):
            self.segments[place] += 1
            return
        self.attempts.append(sent.attempt_id)
        self.segments.append(1)
        self.statuses.append(_OUR_CODES[sent.status])
        self.counted.append(counted)
        self.theirs.append(0)
        self.their_statuses.append(_UNSEEN)
        self.line_nos.append(0)

    def difference(self, place: int, key: str, kind: DifferenceKind) -> Difference:
        """A difference about one of ours."""
        seen = self.their_statuses[place] != _UNSEEN
        return Difference(
            kind=kind,
            attempt_id=self.attempts[place],
            line_no=self.line_nos[place] if seen else None,
            line=self.found.get(place),
            message_id=key,
            our_segments=self.segments[place],
            their_segments=self.theirs[place],
            our_status=_OUR_WORDS[self.statuses[place]],
            their_status=_THEIR_WORDS[self.their_statuses[place]] if seen else None,
        )


class Matching:
    """A reconciliation under way: for each bucket ``ours``, ``theirs`` and ``differences``, in the end ``doubtful``.

    ``from_at`` and ``to_at`` bound the period: what we had accepted outside is matched, because two clocks meet at
    midnight, and neither counted nor missed. ``bill_on`` says which segments are counted on both sides.
    """

    def __init__(
        self, form: DetailFormat, doubts: Doubts, *, from_at: int, to_at: int, bill_on: BillOn = "accepted"
    ) -> None:
        self._key = id_key(form)
        self._by_segment = form.repeats == "segment"
        self._doubts = doubts
        self._span = range(from_at, to_at)
        self._bill_on: BillOn = bill_on
        self._ours = _Ours()
        self._kinds: Counter[DifferenceKind] = Counter()
        self._our_segments = self._their_segments = self._lines = self._agreed = 0

    def ours(self, rows: Iterable[Sent]) -> None:
        """Our segments of the bucket; the one before is forgotten."""
        self._ours = held = _Ours()
        wanted = _COUNTED_OURS[self._bill_on]
        for sent in rows:
            counted = sent.at in self._span
            held.add(sent, self._key(sent.message_id), counted=counted)
            self._our_segments += counted and sent.status in wanted

    def theirs(self, lines: Iterable[DetailLine | Unreadable]) -> Iterator[Difference]:
        """The carrier's lines of the bucket; what belongs to none of ours is told at once."""
        places, statuses = self._ours.places, self._ours.their_statuses
        segments, line_nos = self._ours.theirs, self._ours.line_nos
        ours, found = self._ours.statuses, self._ours.found
        key_of, by_segment = self._key, self._by_segment
        wanted = _COUNTED_THEIRS[self._bill_on]
        for line in lines:
            self._lines += 1
            if isinstance(line, Unreadable):
                yield self._counted(Difference(kind="unreadable", line_no=line.line_no, reason=line.reason))
                continue
            if line.status in wanted:
                self._their_segments += line.segments
            place = places.get(key_of(line.message_id))
            if place is None:
                if not self._doubts.takes(line) and line.status != "refused":
                    yield self._counted(_theirs("theirs_only", line))
            elif statuses[place] == _UNSEEN or by_segment:
                statuses[place] = max(statuses[place], _THEIR_CODES[line.status])
                segments[place] += line.segments
                line_nos[place] = line_nos[place] or line.line_no
                if ours[place] == _IN_DOUBT:
                    found.setdefault(place, line)
            elif line.status != "refused":
                yield self._counted(_theirs("duplicate", line, self._ours.attempts[place]))

    def differences(self) -> Iterator[Difference]:
        """What the bucket's messages of ours differ in, in our order, after all its lines were seen."""
        held = self._ours
        for key, place in held.places.items():
            kinds = _kinds(
                held.statuses[place], held.their_statuses[place], held.segments[place], held.theirs[place]
            )
            if kinds == _AGREED:
                self._agreed += 1
            elif held.counted[place] or held.their_statuses[place] != _UNSEEN:
                for kind in kinds:
                    yield self._counted(held.difference(place, key, kind))
                if kinds == _FOUND:
                    self._settled(held.segments[place], _THEIR_WORDS[held.their_statuses[place]])

    def doubtful(self) -> Iterator[Difference]:
        """What became of the attempts in doubt without an id, after all buckets."""
        for doubt, line, choice in self._doubts.pairs():
            if doubt and line:
                self._settled(1, line.status)
                yield self._counted(_theirs("found", line, doubt.attempt_id))
            elif doubt:
                kind: DifferenceKind = "ambiguous" if choice else "not_found"
                yield self._counted(
                    Difference(kind=kind, attempt_id=doubt.attempt_id, our_segments=1, our_status="in_doubt")
                )
            elif line:
                yield self._counted(_theirs("ambiguous", line))

    @property
    def figures(self) -> Matched:
        """Both sides so far; what was found counts on our side, too, because it is settled with its line."""
        return Matched(
            ours=self._our_segments,
            theirs=self._their_segments,
            lines=self._lines,
            agreed=self._agreed,
            kinds=dict(self._kinds),
        )

    def _settled(self, segments: int, status: CarrierStatus) -> None:
        if status in _COUNTED_THEIRS[self._bill_on]:
            self._our_segments += segments

    def _counted(self, told: Difference) -> Difference:
        self._kinds[told.kind] += 1
        return told


def _kinds(ours: int, theirs: int, our_segments: int, their_segments: int) -> tuple[DifferenceKind, ...]:
    """How one message of ours and what the file says of it differ."""
    if theirs == _UNSEEN:
        return ("not_found",) if ours == _IN_DOUBT else ("ours_only",)
    if ours == _IN_DOUBT:
        return _FOUND
    told: tuple[DifferenceKind, ...] = ("segments_differ",) if our_segments != their_segments else ()
    return told if ours == theirs else (*told, "status_differs")


def _theirs(kind: DifferenceKind, line: DetailLine, attempt_id: int | None = None) -> Difference:
    return Difference(
        kind=kind,
        attempt_id=attempt_id,
        line_no=line.line_no,
        line=line,
        message_id=line.message_id,
        their_segments=line.segments,
        their_status=line.status,
    )


Bucket = tuple[Iterable[Sent], Iterable[DetailLine | Unreadable]]


def reconcile(matching: Matching, buckets: Iterable[Bucket]) -> Iterator[Difference]:
    """Every difference, as it is found; then ``matching.figures`` are whole. One bucket of everything will do, too."""
    for ours, theirs in buckets:
        matching.ours(ours)
        yield from matching.theirs(theirs)
        yield from matching.differences()
    yield from matching.doubtful()
