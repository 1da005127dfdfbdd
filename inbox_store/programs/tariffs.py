"""What a short message costs and who pays, as recorded and dated: prices, yearly use policies, stationed units (C3, C5).

What was charged keeps its price and its payer: nothing is recorded for a month that is closed, nor for a moment since which
there are lines. Whether the rest is whole (no gap, no overlap) is decided by ``sms_billing``, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import msgspec

from inbox_store.engine import Audit, Program, Row, Sql
from inbox_store.errors import Refused
from inbox_store.nouns import Noun
from inbox_store.times import day_at, iso


class TariffRow(Noun, frozen=True):
    """A price from a moment on, in li; ``basis`` is the contract or letter it rests on. Columns of ``tariffs``."""

    from_at: int
    to_at: int | None
    price_li: int
    per: Literal["segment", "message"]
    basis: str
    recorded_at: int


class PolicyRow(Noun, frozen=True):
    """Whose use counts from a year on. Columns of ``use_policies``."""

    from_year: int
    whose: Literal["originator", "recipient"]
    basis: str
    recorded_at: int


class StationRow(Noun, frozen=True):
    """Where a unit is counted from a moment on; ``region_id`` None: where it is entered. Columns of ``paying_regions``."""

    unit_id: int
    from_at: int
    region_id: int | None
    basis: str
    recorded_at: int


class LinkRow(NamedTuple):
    """A dated parent link of a unit or a region. Columns of ``charge_links``."""

    kind: str
    child_id: int
    parent_id: int
    from_at: int
    to_at: int | None


Version = tuple[int, int]
"""Of the rules and of the organisation: as long as both stand, ``rules`` answers the same."""


class Rules(NamedTuple):
    """All that a charge is decided by; ``links`` is empty until a unit or a region has moved."""

    version: Version
    tariffs: tuple[TariffRow, ...]
    policies: tuple[PolicyRow, ...]
    stationed: tuple[StationRow, ...]
    closed: frozenset[int]
    city_id: int | None
    levels: tuple[Row, ...]
    links: tuple[LinkRow, ...]


def version() -> Program[Version]:
    """The version of the rules as they stand in this transaction."""
    ((rules_no, organisation_no),) = yield Sql("charging_version")
    return rules_no, organisation_no


def rules() -> Program[Rules]:
    """The rules as they stand in this transaction."""
    told = yield from version()
    city = yield Sql("charge_city")
    links = tuple(LinkRow(*row) for row in (yield Sql("charge_links")))
    return Rules(
        version=told,
        tariffs=tuple((yield from tariffs())),
        policies=tuple((yield from policies())),
        stationed=tuple((yield from stationed())),
        closed=frozenset(row[0] for row in (yield Sql("charge_months_closed"))),
        city_id=city[0][0] if city else None,
        levels=tuple((yield Sql("charge_region_levels"))) if links else (),
        links=links,
    )


def tariffs() -> Program[list[TariffRow]]:
    """Every recorded price, by its first moment."""
    return [TariffRow(*row) for row in (yield Sql("tariffs"))]


def policies() -> Program[list[PolicyRow]]:
    """Every recorded policy, by its first year."""
    return [PolicyRow(*row) for row in (yield Sql("use_policies"))]


def stationed() -> Program[list[StationRow]]:
    """Every recorded paying region, by unit and first moment."""
    return [StationRow(*row) for row in (yield Sql("paying_regions"))]


Whole = Callable[[Sequence[TariffRow]], None]
"""Pure: raises Refused where the prices leave a gap or overlap."""


def record_tariff(new: TariffRow, of_settings: TariffRow, whole: Whole, origin: str) -> Program[None]:
    """Record a price. With the first one the price of the settings is kept, too, as that of all time before.

    Raises Refused: charged_since, and what ``whole`` refuses.
    """
    standing = yield from tariffs()
    fresh = [new] if standing or new.from_at <= of_settings.from_at else [of_settings, new]
    whole([*standing, *fresh])
    yield from _uncharged(new.from_at)
    for row in fresh:
        yield Sql("tariff_add", {**msgspec.structs.asdict(row), "from_month": day_at(row.from_at) // 100})
    yield _audit("tariff.record", f"tariff:{new.from_at}", new, origin)


def drop_tariff(from_at: int, whole: Whole, origin: str) -> Program[None]:
    """Take back a price that was recorded by mistake and never charged.

    Raises Refused: rule_unknown, charged_since, and what ``whole`` refuses.
    """
    standing = yield from tariffs()
    found = [row for row in standing if row.from_at == from_at]
    if not found:
        raise Refused("rule_unknown", at=iso(from_at))
    yield from _uncharged(from_at)
    left = [row for row in standing if row.from_at != from_at]
    if left:
        whole(left)
    yield Sql("tariff_drop", {"from_at": from_at})
    yield _audit("tariff.drop", f"tariff:{from_at}", found[0], origin)


Allowed = Callable[[Sequence[PolicyRow], int], None]
"""Pure: raises Refused where the policies do not take one more; beside them the last year that was charged."""


def record_policy(new: PolicyRow, allowed: Allowed, origin: str) -> Program[None]:
    """Record whose use counts from a year on. Raises what ``allowed`` refuses."""
    allowed((yield from policies()), (yield from _last_year()))
    yield Sql("use_policy_add", msgspec.structs.asdict(new))
    yield _audit("use_policy.record", f"year:{new.from_year}", new, origin)


def drop_policy(from_year: int, origin: str) -> Program[None]:
    """Take back a policy of a year that was never charged. Raises Refused: rule_unknown, policy_year_begun."""
    found = [row for row in (yield from policies()) if row.from_year == from_year]
    if not found:
        raise Refused("rule_unknown", at=from_year)
    if from_year <= (yield from _last_year()):
        raise Refused("policy_year_begun", year=from_year)
    yield Sql("use_policy_drop", {"from_year": from_year})
    yield _audit("use_policy.drop", f"year:{from_year}", found[0], origin)


def record_station(new: StationRow, origin: str) -> Program[None]:
    """Record where a stationed unit is counted from a moment on. Raises Refused: charged_since, station_recorded."""
    if any((row.unit_id, row.from_at) == (new.unit_id, new.from_at) for row in (yield from stationed())):
        raise Refused("station_recorded", at=iso(new.from_at))
    yield from _uncharged(new.from_at, new.unit_id)
    row = msgspec.structs.asdict(new)
    yield Sql("paying_region_add", {**row, "from_month": day_at(new.from_at) // 100})
    yield _audit("paying_region.record", f"unit:{new.unit_id}", new, origin)


def drop_station(unit_id: int, from_at: int, origin: str) -> Program[None]:
    """Take back what was never charged. Raises Refused: rule_unknown, charged_since."""
    found = [row for row in (yield from stationed()) if (row.unit_id, row.from_at) == (unit_id, from_at)]
    if not found:
        raise Refused("rule_unknown", at=iso(from_at))
    yield from _uncharged(from_at, unit_id)
    yield Sql("paying_region_drop", {"unit_id": unit_id, "from_at": from_at})
    yield _audit("paying_region.drop", f"unit:{unit_id}", found[0], origin)


def _uncharged(at: int, unit_id: int = 0) -> Program[None]:
    """Raises Refused("charged_since") where what was charged, or a closed month, would change."""
    told = {"month": day_at(at) // 100, "at": at, "unit_id": unit_id}
    ((closed, charged),) = yield Sql("charged_since", told)
    if closed or charged:
        raise Refused("charged_since", at=iso(at))


def _last_year() -> Program[int]:
    ((month,),) = yield Sql("charged_last_month")
    return int(month) // 100


def _audit(action: str, subject: str, row: Noun, origin: str) -> Audit:
    return Audit(action=action, actor=0, subject=subject, detail=msgspec.structs.asdict(row), origin=origin)
