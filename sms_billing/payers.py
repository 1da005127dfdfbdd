"""Who pays for a segment: rules C1-C9 of sms-charges 4.3 (P63-P65), over frozen and dated facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final, Literal, NamedTuple, Protocol

import msgspec

from inbox_store.errors import Refused
from inbox_store.ledger import Purpose
from inbox_store.nouns import RegionLevel
from inbox_store.times import day_at, day_of, day_start, iso
from sms_billing import tariff
from sms_billing.spans import Timeline, timelines
from sms_billing.tariff import Tariff

Whose = Literal["originator", "recipient"]
"""Whose use a message is (C3): that of the unit which caused it, or of the county whose staff got it."""
Place = Literal["city", "county"]
Pays = Literal["city", "own"]

COUNTIES_PAY_FROM: Final = day_start(date(2018, 4, 1))
"""From the second quarter of 2018 each county bears the charges of its use (P64)."""


class PayerRule(msgspec.Struct, frozen=True, kw_only=True):
    """Units of the city, or of a county, are paid for by the city or by their own region, from a moment on.

    Without ``to_at`` a rule ends where the next one for the same place begins.
    """

    place: Place
    pays: Pays
    from_at: int
    to_at: int | None = None


SOURCE_RULES: Final = (
    PayerRule(place="city", pays="city", from_at=0),
    PayerRule(place="county", pays="city", from_at=0),
    PayerRule(place="county", pays="own", from_at=COUNTIES_PAY_FROM),
)
"""C1 and C2 as the city office wrote them (P63, P64)."""


class UsePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Whose use counts, from the first day of a year until another is recorded: one policy in any year (C3)."""

    from_year: int
    whose: Whose


class PayingRegion(msgspec.Struct, frozen=True, kw_only=True):
    """The region a stationed unit (驻地单位) is counted to for its charges, dated (C5, J28).

    Without it a unit is counted to the region in whose list it is entered.
    """

    unit_id: int
    region_id: int
    from_at: int
    to_at: int | None = None


class PayerFault(msgspec.Struct, frozen=True, kw_only=True):
    """A time in which nobody pays (``gap``) or more than one rule says who (``overlap``); ``to_at`` None: for ever."""

    code: Literal["gap", "overlap"]
    place: Place
    from_at: int
    to_at: int | None


class Use(Protocol):
    """Whose units a segment came from and went to, with their regions: the county, or the city, at its acceptance (C9)."""

    @property
    def unit_id(self) -> int: ...  # noqa: D102 - the fields of the store's Accepted
    @property
    def region_id(self) -> int: ...  # noqa: D102
    @property
    def to_unit_id(self) -> int: ...  # noqa: D102
    @property
    def to_region_id(self) -> int: ...  # noqa: D102
    @property
    def accepted_at(self) -> int: ...  # noqa: D102


class Payer(NamedTuple):
    """The region that pays, and why: whose use in which year, and the rule with its date.

    Short (``o2018`` is the originator's use, ``r2018`` the recipient's), because every line of the ledger keeps it.
    """

    region_id: int
    policy: str


class _Named(msgspec.Struct, frozen=True):
    """A rule beside the words for it, made once."""

    rule: PayerRule
    words: str
    from_at: int
    to_at: int | None


class Payers:
    """The rules of one installation, ready to be asked for every segment. Immutable."""

    def __init__(
        self,
        city_id: int,
        *,
        rules: Iterable[PayerRule] = SOURCE_RULES,
        policies: Iterable[UsePolicy] = (UsePolicy(from_year=1970, whose="originator"),),
        stationed: Iterable[PayingRegion] = (),
    ) -> None:
        named = [_named(rule) for rule in rules]
        self.city_id = city_id
        self._city = Timeline([told for told in named if told.rule.place == "city"])
        self._county = Timeline([told for told in named if told.rule.place == "county"])
        self._policies = sorted(policies, key=lambda policy: policy.from_year)
        self._whose: dict[int, Whose] = {}
        self._stationed = timelines((told.unit_id, told) for told in stationed)

    def whose(self, year: int) -> Whose:
        """The policy of a year. Raises Refused("no_policy") before the first one recorded."""
        known = self._whose.get(year)
        if known is None:
            running = [policy.whose for policy in self._policies if policy.from_year <= year]
            if not running:
                raise Refused("no_policy", year=year)
            known = self._whose[year] = running[-1]
        return known

    def payer(self, use: Use, purpose: Purpose = "document", *, override: bool = False) -> Payer:
        """Who pays. Codes, drills, operator notices and duplicates are the city's own (C6).

        So is an ``override``: what goes to a switched-off county because it is extra urgent (P66).

        Raises Refused("no_payer") where the rules leave a gap, Refused("no_policy") as ``whose`` does.
        """
        if purpose != "document":
            return Payer(self.city_id, purpose)
        if override:
            return Payer(self.city_id, "override")
        at = use.accepted_at
        year = day_at(at) // 10_000
        whose = self.whose(year)
        if whose == "originator":
            region_id, words = self._bears(use.unit_id, use.region_id, at)
        else:
            region_id, words = self._bears(use.to_unit_id, use.to_region_id, at)
        return Payer(region_id, f"{whose[0]}{year}/{words}")

    def compared(self, unit_id: int, region_id: int, to_region_id: int, at: int) -> int:
        """Who would pay for a document's message under the other policy: the comparison column of a statement (C3).

        The recipient's paying region (C5) is not in a sum, its county stands for it.
        """
        if self.whose(day_at(at) // 10_000) == "originator":
            return self._bears(None, to_region_id, at)[0]
        return self._bears(unit_id, region_id, at)[0]

    def _bears(self, unit_id: int | None, region_id: int, at: int) -> tuple[int, str]:
        """The region and the words of the rule; a stationed unit stands where its attribute says (C5)."""
        if unit_id is not None and unit_id in self._stationed:
            entered = self._stationed[unit_id].at(at)
            region_id = entered.region_id if entered else region_id
        told = (self._city if region_id == self.city_id else self._county).at(at)
        if told is None:
            raise Refused("no_payer", region=region_id, at=iso(at))
        return (region_id if told.rule.pays == "own" else self.city_id), told.words


def _named(rule: PayerRule) -> _Named:
    # Whether the region or the city pays stands in the payer itself.
    words = f"{rule.place} {day_of(rule.from_at)}"
    return _Named(rule, words, rule.from_at, rule.to_at)


def faults(rules: Iterable[PayerRule], from_at: int) -> tuple[PayerFault, ...]:
    """Every gap and overlap from ``from_at`` on, the city's first; empty means one payer at every moment."""
    listed = tuple(rules)
    places: tuple[Place, ...] = ("city", "county")
    return tuple(
        PayerFault(code=fault.code, place=place, from_at=fault.from_at, to_at=fault.to_at)
        for place in places
        for fault in tariff.faults(
            # Rules are dated as prices are: what is a gap for one is a gap for the other.
            (
                Tariff(price_li=0, from_at=rule.from_at, to_at=rule.to_at)
                for rule in listed
                if rule.place == place
            ),
            from_at,
        )
    )


def recorded(policies: Iterable[UsePolicy], policy: UsePolicy, this_year: int) -> tuple[UsePolicy, ...]:
    """The policies with one more, by year. A year that has begun keeps its own (C3).

    Raises Refused("policy_year_begun") for this year and earlier, Refused("policy_recorded") for a year that has one.
    """
    listed = tuple(policies)
    if policy.from_year <= this_year:
        raise Refused("policy_year_begun", year=policy.from_year)
    if any(one.from_year == policy.from_year for one in listed):
        raise Refused("policy_recorded", year=policy.from_year)
    return tuple(sorted((*listed, policy), key=lambda one: one.from_year))


def originator(document_unit_id: int, urged_by_unit_id: int | None) -> int:
    """The unit whose use an alert is (C4): who sent the document, also when urging is automatic.

    A manual urge is the use of the supervisor's unit, ``urged_by_unit_id``.
    """
    return document_unit_id if urged_by_unit_id is None else urged_by_unit_id


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """A dated parent link: of a unit to its region, or of a region to the one above (F31)."""

    child_id: int
    parent_id: int
    from_at: int
    to_at: int | None = None


class Memberships:
    """In which county, or in the city, a unit lay at any moment: what C9 asks for messages known late."""

    def __init__(
        self, levels: Mapping[int, RegionLevel], units: Iterable[Membership], regions: Iterable[Membership]
    ) -> None:
        self._levels = levels
        self._units = timelines((link.child_id, link) for link in units)
        self._regions = timelines((link.child_id, link) for link in regions)

    def county(self, unit_id: int, at: int) -> int:
        """The id of the county or city. Raises Refused("no_region") where the unit had no place then."""
        steps = self._units
        place = unit_id
        for _ in range(len(self._levels) + 1):  # a ring of links ends, too
            timeline = steps.get(place)
            link = timeline.at(at) if timeline else None
            if link is None:
                break
            place = link.parent_id
            if self._levels.get(place) in ("city", "county"):
                return place
            steps = self._regions
        raise Refused("no_region", unit=unit_id, at=iso(at))
