"""Which of the eight inbox folders (L11) a document falls into: a dated table of rows, the first that fits wins.

A row asks for the kind of document and for what the sender is to the receiver; rows may be added in the settings
and carry the days they are valid, so that a change of habit does not re-sort yesterday's mail.
"""

from __future__ import annotations

from datetime import date
from typing import Final, Literal

import msgspec

from inbox_store.nouns import Folder, Kind, UnitGroup
from inbox_store.org import Organisation, Unit

Relation = Literal["own", "guest", "supervisor", "superior", "subordinate", "peer"]
"""What the sender is to the receiver."""

GUEST_TAG: Final = "guest"
"""Tag of units from outside the city's own offices: visitors, other cities, enterprises."""
SUPERVISION_TAG: Final = "supervision"
"""Tag of the offices that follow matters up (督查室)."""
HEAD_OFFICE_TAG: Final = "head_office"
"""Tag of the four head offices of a region (四大家办公室): above the other units of the same region."""

FALLBACK: Final[Folder] = "other_incoming"

_LEVEL_RANK: Final = {"city": 0, "county": 1, "township": 2, "village": 3}
_GROUP_RANK: Final = {"city_direct": 0, "county_direct": 1, "township": 2, "village": 3, "school": 3}
"""Stationed units take the rank of the region they sit in."""


class FolderRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row. An empty set asks for nothing; all sets that are not empty must fit. ``reason`` says why it stands."""

    folder: Folder
    reason: str
    kinds: frozenset[Kind] = frozenset()
    relations: frozenset[Relation] = frozenset()
    sender_groups: frozenset[UnitGroup] = frozenset()
    sender_lines: frozenset[int] = frozenset()
    sender_tags: frozenset[str] = frozenset()
    valid_from: date | None = None
    valid_to: date | None = None
    """The first day on which the row no longer holds."""


_FROM_ABOVE: Final = frozenset[Relation]({"superior", "supervisor"})

DEFAULT_RULES: Final = (
    FolderRule(
        folder="outgoing",
        relations=frozenset({"own"}),
        reason="本单位发出的文件，留底在办公发文",
    ),
    FolderRule(
        folder="fax_telegram",
        kinds=frozenset({"telegram"}),
        reason="电报有专门的时限，不论谁发来都先看这里",
    ),
    FolderRule(
        folder="brief",
        kinds=frozenset({"brief"}),
        reason="简报供了解情况，不与待办文件混放",
    ),
    FolderRule(
        folder="guest_report",
        relations=frozenset({"guest"}),
        reason="外单位、来访方面的材料",
    ),
    FolderRule(
        folder="supervision",
        kinds=frozenset({"slip"}),
        relations=frozenset({"supervisor"}),
        reason="督查部门的抄告单、督查通知单要按期反馈",
    ),
    FolderRule(
        folder="request_report",
        kinds=frozenset({"request", "report"}),
        relations=frozenset({"subordinate"}),
        reason="下级的请示和报告，请示须答复(条例第八条)",
    ),
    FolderRule(
        folder="from_above",
        relations=_FROM_ABOVE,
        reason="上级机关来文",
    ),
    FolderRule(folder=FALLBACK, reason="平级和不相隶属单位的来文"),
)
"""The default table; the reasons are shown beside the rows in the settings."""


def folder_rules(rows: object) -> tuple[FolderRule, ...]:
    """Rows of the settings as rules. Raises ValueError with the row and the key that is wrong."""
    try:
        return msgspec.convert(rows, tuple[FolderRule, ...])
    except msgspec.ValidationError as fault:
        raise ValueError(f"folder rules: {fault}") from fault


def folder_for(
    kind: Kind, relation: Relation, sender: Unit, rules: tuple[FolderRule, ...], day: date
) -> Folder:
    """The folder of the first rule valid on ``day`` that fits; 其他来文 where none does, never an error."""
    return next((rule.folder for rule in rules if _fits(rule, kind, relation, sender, day)), FALLBACK)


def relation_of(sender: Unit, receiver: Unit, organisation: Organisation) -> Relation:
    """What ``sender`` is to ``receiver``, by tags first, then by region and level.

    Superior means: seated in the same region or one above it, and of a higher level; in one region and level, a head
    office stands above the others. Two units of different branches (a township of X, a school of Y) are peers.
    """
    if sender.id == receiver.id:
        return "own"
    if GUEST_TAG in sender.tags:
        return "guest"
    above = _above(sender, receiver, organisation)
    if SUPERVISION_TAG in sender.tags and (above or not _above(receiver, sender, organisation)):
        return "supervisor"
    if above:
        return "superior"
    return "subordinate" if _above(receiver, sender, organisation) else "peer"


def _fits(rule: FolderRule, kind: Kind, relation: Relation, sender: Unit, day: date) -> bool:
    return (
        (rule.valid_from is None or rule.valid_from <= day)
        and (rule.valid_to is None or day < rule.valid_to)
        and (not rule.kinds or kind in rule.kinds)
        and (not rule.relations or relation in rule.relations)
        and (not rule.sender_groups or sender.group in rule.sender_groups)
        and (not rule.sender_lines or sender.line_id in rule.sender_lines)
        and (not rule.sender_tags or not rule.sender_tags.isdisjoint(sender.tags))
    )


def _above(upper: Unit, lower: Unit, organisation: Organisation) -> bool:
    """Whether ``upper`` stands over ``lower``."""
    if not _covers(upper.region_id, lower.region_id, organisation):
        return False
    ranks = _rank(upper, organisation), _rank(lower, organisation)
    if ranks[0] != ranks[1]:
        return ranks[0] < ranks[1]
    same_region = upper.region_id == lower.region_id
    return same_region and HEAD_OFFICE_TAG in upper.tags and HEAD_OFFICE_TAG not in lower.tags


def _covers(region_id: int, other_id: int, organisation: Organisation) -> bool:
    """Whether ``other_id`` is the region or lies below it: four steps up at most."""
    walked: int | None = other_id
    for _ in _LEVEL_RANK:
        if walked is None or walked == region_id:
            break
        region = organisation.regions.get(walked)
        walked = region.parent_id if region else None
    return walked == region_id


def _rank(unit: Unit, organisation: Organisation) -> int:
    """The level of the unit, 0 the city's; a stationed unit and an unknown group go by their region."""
    by_group = _GROUP_RANK.get(unit.group)
    if by_group is not None:
        return by_group
    region = organisation.regions.get(unit.region_id)
    return _LEVEL_RANK[region.level] if region else len(_LEVEL_RANK)
