"""From a dispatch scope (发文范围) to the units it means: pure, in a fixed order, every fault at once.

A scope names units or describes them. Described parts narrow one another: regions X with groups township are the
townships of X; ``also`` adds further descriptions. Named units that cannot receive are faults, because somebody meant
them; described or saved ones are left out and shown, because nobody named them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Literal

import msgspec

from inbox_store.nouns import AudienceUnit, Folder, UnitGroup
from inbox_store.org import Organisation, Unit

FaultCode = Literal[
    "unit_unknown",
    "unit_frozen",
    "unit_not_live",
    "region_unknown",
    "line_unknown",
    "saved_scope_unknown",
    "scope_empty",
]

DEFAULT_GENERAL_SHARE = Fraction(1, 2)


class Selection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Units by id, plus units by saved scope, plus those that fit every filled one of regions, groups, lines, tags."""

    units: frozenset[int] = frozenset()
    regions: frozenset[int] = frozenset()
    """Region ids; each takes in everything below it."""
    groups: frozenset[UnitGroup] = frozenset()
    lines: frozenset[int] = frozenset()
    tags: frozenset[str] = frozenset()
    saved: frozenset[int] = frozenset()
    """Ids of saved scopes, expanded to unit ids by the caller (``saved`` of ``resolve``)."""


NOBODY = Selection()


class Scope(Selection, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom a dispatch is for. The inherited fields are the principal recipients (主送).

    ``everyone`` addresses every person of the units, not only clerks and leaders (city-wide alerts); alone it means
    all live units. ``supplementary`` adds recipients to a document already sent (补发).
    """

    also: tuple[Selection, ...] = ()
    cc: Selection = NOBODY
    exclusions: Selection = NOBODY
    everyone: bool = False
    supplementary: bool = False


class ScopeFault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing in a scope that stands in the way: what (``ref``: the id named), and how to mend it."""

    code: FaultCode
    ref: int | None
    reason: str


class Audience(msgspec.Struct, frozen=True, kw_only=True):
    """The expanded scope, by unit id. Send only where ``faults`` is empty.

    ``left_out`` are units described or saved, but not able to receive now: shown, not refused.
    """

    units: tuple[AudienceUnit, ...]
    faults: tuple[ScopeFault, ...] = ()
    left_out: tuple[int, ...] = ()
    everyone: bool = False


def resolve(
    scope: Scope,
    organisation: Organisation,
    at: int,
    saved: Mapping[int, frozenset[int]],
    *,
    sender_id: int,
    folder_of: Callable[[Unit], Folder],
) -> Audience:
    """Expand ``scope`` as of ``at`` (UTC microseconds). ``saved`` maps saved-scope ids to unit ids.

    The sender itself never receives; principal wins over copy; excluded units are gone whatever names them.
    """
    expand = _Expander(organisation, saved)
    out = expand(scope.exclusions) | {sender_id}
    to = expand.principals(scope) - out
    meant = (to | expand(scope.cc)) - out
    receiving = {ref for ref in meant if (unit := organisation.units.get(ref)) and unit.live(at)}
    named = {ref for part in (scope, *scope.also, scope.cc) for ref in part.units} - out
    faults = (
        *expand.unknown(scope),
        *(_unit_fault(ref, organisation, at) for ref in sorted(named - receiving)),
    )
    if not receiving and not faults:
        faults = (
            ScopeFault(code="scope_empty", ref=None, reason="发文范围内没有可以收文的单位，请重新选择"),
        )
    return Audience(
        units=tuple(
            AudienceUnit(
                unit_id=ref, role="to" if ref in to else "cc", folder=folder_of(organisation.units[ref])
            )
            for ref in sorted(receiving)
        ),
        faults=faults,
        left_out=tuple(sorted(ref for ref in meant - receiving - named if expand.worth_showing(ref, at))),
        everyone=scope.everyone,
    )


def width(
    audience: Audience, organisation: Organisation, at: int, already: frozenset[int] = frozenset()
) -> Fraction:
    """The share of live units reached, 0 to 1. ``already`` are units of the same document before a supplement.

    Without ``already`` a broadcast could be cut into supplements that each stay below the mark.
    """
    live = {unit.id for unit in organisation.live_units(at)}
    reached = ({unit.unit_id for unit in audience.units} | already) & live
    return Fraction(len(reached), len(live)) if live else Fraction(0)


def general(share_reached: Fraction, mark: Fraction = DEFAULT_GENERAL_SHARE) -> bool:
    """Whether a dispatch of this width is general (普发) and needs a second person's approval.

    At the mark counts: the bulletin names dispatches to 50 % and more (bulletin 3.9), so each of those must have
    had the chance of an approval.
    """
    return share_reached >= mark


class _Expander:
    """Selections as unit ids, against one organisation and one set of saved scopes."""

    def __init__(self, organisation: Organisation, saved: Mapping[int, frozenset[int]]) -> None:
        self.organisation = organisation
        self.saved = saved

    def __call__(self, part: Selection) -> set[int]:
        """Every unit the part means, able to receive or not."""
        members = set(part.units).union(*(self.saved.get(ref, frozenset()) for ref in part.saved))
        if _described(part):
            inside = frozenset[int]().union(*map(self.organisation.subregions, part.regions))
            members.update(unit.id for unit in self.organisation.units.values() if _fits(unit, part, inside))
        return members

    def principals(self, scope: Scope) -> set[int]:
        """The principal recipients; ``everyone`` without any selection means all units."""
        parts = (scope, *scope.also)
        if scope.everyone and not any(part.units or part.saved or _described(part) for part in parts):
            return set(self.organisation.units)
        return set[int]().union(*map(self, parts))

    def unknown(self, scope: Scope) -> Iterator[ScopeFault]:
        """References to regions, lines, saved scopes and excluded units that are not there, each named once."""
        parts = (scope, *scope.also, scope.cc, scope.exclusions)
        asked: tuple[tuple[FaultCode, str, set[int]], ...] = (
            (
                "region_unknown",
                "地区",
                _refs(part.regions for part in parts) - self.organisation.regions.keys(),
            ),
            ("line_unknown", "条线", _refs(part.lines for part in parts) - self.organisation.lines.keys()),
            ("saved_scope_unknown", "常用范围", _refs(part.saved for part in parts) - self.saved.keys()),
            ("unit_unknown", "排除的单位", set(scope.exclusions.units) - self.organisation.units.keys()),
        )
        for code, word, refs in asked:
            for ref in sorted(refs):
                yield ScopeFault(code=code, ref=ref, reason=f"{word} {ref} 不存在，请重新选择")

    def worth_showing(self, ref: int, at: int) -> bool:
        """Whether a unit left out is news: one of a saved scope, or one that exists now; not the dissolved ones."""
        unit = self.organisation.units.get(ref)
        if unit is None or any(ref in members for members in self.saved.values()):
            return True
        return unit.active_from <= at and (unit.active_to is None or at < unit.active_to)


def _refs(sets: Iterable[frozenset[int]]) -> set[int]:
    return set[int]().union(*sets)


def _described(part: Selection) -> bool:
    return bool(part.regions or part.groups or part.lines or part.tags)


def _fits(unit: Unit, part: Selection, inside: frozenset[int]) -> bool:
    return (
        (not part.regions or unit.region_id in inside)
        and (not part.groups or unit.group in part.groups)
        and (not part.lines or unit.line_id in part.lines)
        and (not part.tags or not part.tags.isdisjoint(unit.tags))
    )


def _unit_fault(unit_id: int, organisation: Organisation, at: int) -> ScopeFault:
    """Why a named unit cannot receive, and what the sender can do about it."""
    unit = organisation.units.get(unit_id)
    if unit is None:
        return ScopeFault(code="unit_unknown", ref=unit_id, reason=f"单位 {unit_id} 不存在，请重新选择")
    if unit.frozen_at is not None and unit.frozen_at <= at:
        return ScopeFault(
            code="unit_frozen", ref=unit_id, reason=f"{unit.name}已冻结，不能收文，请移出发文范围"
        )
    why = _not_live(unit, at)
    return ScopeFault(code="unit_not_live", ref=unit_id, reason=f"{unit.name}{why}，请移出发文范围")


def _not_live(unit: Unit, at: int) -> str:
    if unit.active_to is not None and unit.active_to <= at:
        return "已撤销，请改发承继单位"
    return "尚未成立" if at < unit.active_from else "尚未开通"
