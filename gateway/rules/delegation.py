"""Agents (代理): who may act for whom, and whose act it was that an agent did (F38)."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from gateway.rules.access import Principal, Target, permit, reach
from inbox_store.times import DAY_US

DAYS_MAX: Final = 366
"""The longest period of an agent."""


def period_fault(from_at: int, to_at: int, now: int) -> str | None:
    """What is wrong with a period, in Chinese; None for a good one. It ends after it begins, ahead of now."""
    if to_at <= from_at:
        return "结束时间应在开始时间之后"
    if to_at <= now:
        return "代理期间已经过去"
    return f"代理期间最长 {DAYS_MAX} 天" if to_at - from_at > DAYS_MAX * DAY_US else None


def on_behalf_of(principal: Principal, action: str, unit_id: int | None) -> int:
    """For whom the principal did ``action``, 0 where the right was the person's own.

    ``unit_id`` is the unit acted for where the act names one. Own rights come first: who could do it as himself did.
    """
    lent = frozenset(grant for grant in principal.grants if grant.for_person)
    if not lent:
        return 0
    own = replace(principal, grants=principal.grants - lent)
    if _may(own, action, unit_id):
        return 0
    for grant in sorted(lent, key=lambda one: (one.for_person, one.unit_id)):
        if _may(replace(principal, grants=frozenset({grant})), action, unit_id):
            return grant.for_person
    return 0


def _may(principal: Principal, action: str, unit_id: int | None) -> bool:
    if unit_id is None:
        return bool(reach(principal, action))
    counties = {grant.unit_id: grant.county_id for grant in principal.grants}
    return permit(principal, action, Target(unit_id=unit_id, county_id=counties.get(unit_id)))
