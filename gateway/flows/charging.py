"""Prices and payers as they stand, ready to make a line of the ledger for every accepted segment.

The rules may change beside a running server: a month is closed or a price recorded at the machine. A ``Charger`` asks for
their version in the transaction that charges and takes them up anew there, so that no line is made by rules of yesterday.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from gateway.house import House
from inbox_store.engine import Each, Engine, Program
from inbox_store.errors import Refused
from inbox_store.keys import PhoneVault, mask
from inbox_store.ledger import ChargeLine
from inbox_store.messages import Accepted, Answered, Price, Reported
from inbox_store.programs import sms, tariffs
from inbox_store.programs.tariffs import LinkRow, PolicyRow, Rules, StationRow, TariffRow, Version
from sms_billing.lines import Charging
from sms_billing.payers import Membership, Memberships, Payers, PayingRegion, UsePolicy
from sms_billing.periods import Books
from sms_billing.tariff import Tariff

Order = TypeVar("Order")
T = TypeVar("T")

_MASKED_EMPTY = mask("")
_ORIGINATOR_PAYS = UsePolicy(from_year=1970, whose="originator")
"""What holds until a policy is recorded (sms-charges C3)."""


class Charges(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of one version: prices, payers, closed months, and where units lay before they moved.

    ``payers`` and ``charging`` are None until the organisation has a city.
    """

    version: Version
    tariffs: tuple[Tariff, ...]
    payers: Payers | None
    charging: Charging | None
    books: Books
    places: Memberships | None
    moved_until: int
    """Since then nobody has moved: what was accepted later lies where it lies now."""

    @property
    def city_id(self) -> int:
        """The region that bears what no county does. Raises Refused("no_city")."""
        return self.payers_of_city().city_id

    def payers_of_city(self) -> Payers:
        """Who pays. Raises Refused("no_city")."""
        if self.payers is None:
            raise Refused("no_city")
        return self.payers


async def charges(house: House) -> Charges:
    """The rules of a house as they stand."""
    return charges_of(await house.store.engine.read(tariffs.rules()), house.tariffs)


def charges_of(told: Rules, of_settings: Sequence[Tariff]) -> Charges:
    """The rules as recorded; the price of the settings serves until one is."""
    recorded = tariffs_of(told.tariffs) or tuple(of_settings)
    payers = None if told.city_id is None else _payers(told, told.city_id)
    return Charges(
        version=told.version,
        tariffs=recorded,
        payers=payers,
        charging=None if payers is None else Charging(recorded, payers),
        books=Books(months=told.closed),
        places=_places(told) if told.links else None,
        moved_until=max((link.to_at or 0 for link in told.links), default=0),
    )


def tariffs_of(rows: Sequence[TariffRow]) -> tuple[Tariff, ...]:
    """Recorded prices as the rules take them."""
    return tuple(
        Tariff(price_li=row.price_li, from_at=row.from_at, to_at=row.to_at, per=row.per) for row in rows
    )


def policies_of(rows: Sequence[PolicyRow]) -> tuple[UsePolicy, ...]:
    """Recorded policies as the rules take them."""
    return tuple(UsePolicy(from_year=row.from_year, whose=row.whose) for row in rows)


def _payers(told: Rules, city_id: int) -> Payers:
    policies = (_ORIGINATOR_PAYS, *policies_of(told.policies))
    return Payers(city_id, policies=policies, stationed=paying_regions(told.stationed))


def paying_regions(rows: Sequence[StationRow]) -> list[PayingRegion]:
    """Rows by unit and moment as spans: each ends where the unit's next begins; one without a region only ends."""
    found = []
    for place, row in enumerate(rows):
        following = rows[place + 1] if place + 1 < len(rows) else None
        end = following.from_at if following and following.unit_id == row.unit_id else None
        if row.region_id is not None:
            told = PayingRegion(unit_id=row.unit_id, region_id=row.region_id, from_at=row.from_at, to_at=end)
            found.append(told)
    return found


def _places(told: Rules) -> Memberships:
    links = {kind: [_membership(link) for link in told.links if link.kind == kind] for kind in _LINKS}
    return Memberships(dict(told.levels), links["unit_region"], links["region_region"])


_LINKS = ("unit_region", "region_region")


def _membership(link: LinkRow) -> Membership:
    return Membership(
        child_id=link.child_id, parent_id=link.parent_id, from_at=link.from_at, to_at=link.to_at
    )


class Charger:
    """Makes the lines of one server; made once (``await Charger.of(house)``) and handed to whoever settles.

    ``settling`` and ``reporting`` are the facts of ``programs.sms`` with the rules as they stand in that transaction:
    with them nobody has to refresh anything. ``price`` alone goes by the rules last taken up; where a month was closed
    since, the database refuses its line (sqlite3.IntegrityError "the month is closed"): ``await refresh()``, then again.
    """

    def __init__(self, engine: Engine, vault: PhoneVault, of_settings: Sequence[Tariff], told: Rules) -> None:
        self._engine = engine
        self._vault = vault
        self._of_settings = tuple(of_settings)
        self._take(told)
        self.settling: Each[Answered, None] = self.fresh(sms.settling(self.price))
        self.reporting: Each[Reported, bool] = self.fresh(sms.reporting(self.price))

    @classmethod
    async def of(cls, house: House) -> Charger:
        """The charger of a house, by the rules as they stand."""
        engine = house.store.engine
        return cls(engine, house.store.keys.phones, house.tariffs, await engine.read(tariffs.rules()))

    @property
    def charges(self) -> Charges:
        """The rules last taken up."""
        return self._rules[0]

    def price(self, accepted: Accepted) -> ChargeLine | None:
        """The line of an accepted segment, by the rules last taken up; as ``pricer``."""
        return self._rules[1](accepted)

    async def refresh(self) -> None:
        """Take the rules up as they stand now; needed only beside a bare ``price``."""
        self._take(await self._engine.read(tariffs.rules()))

    def fresh(self, each: Each[Order, T]) -> Each[Order, T]:
        """A fact made with ``price``, that looks first whether the rules have changed."""

        def fresh_each(orders: Sequence[Order]) -> Program[Sequence[T | Refused]]:
            yield from self.current()
            return (yield from each(orders))

        return fresh_each

    def current(self) -> Program[None]:
        """Take the rules up in this transaction, if they have changed: one query of one row."""
        if (yield from tariffs.version()) != self.charges.version:
            self._take((yield from tariffs.rules()))

    def _take(self, told: Rules) -> None:
        charges = charges_of(told, self._of_settings)
        # One assignment: the writer's thread prices while the loop refreshes.
        self._rules = (charges, pricer(charges, self._vault))


def pricer(charges: Charges, vault: PhoneVault) -> Price:
    """Who pays how much for a segment, by these rules.

    Drills, codes and duplicates are the city's own. What is known late is charged to where its units lay when it was
    accepted (C9). The price raises Refused: no_city, no_tariff, no_payer, no_policy, no_region.
    """
    charging, places, books = charges.charging, charges.places, charges.books

    def price(accepted: Accepted) -> ChargeLine | None:
        if charging is None:
            raise Refused("no_city")
        if places is not None and accepted.accepted_at < charges.moved_until:
            accepted = _placed(accepted, places)
        override = bool(accepted.overridden)
        return charging.line(accepted, _masked(accepted, vault), books, override=override)

    return price


def _placed(accepted: Accepted, places: Memberships) -> Accepted:
    at = accepted.accepted_at
    region_id, to_region_id = places.county(accepted.unit_id, at), places.county(accepted.to_unit_id, at)
    return msgspec.structs.replace(accepted, region_id=region_id, to_region_id=to_region_id)


def _masked(accepted: Accepted, vault: PhoneVault) -> str:
    sealed, key = accepted.phone_sealed, accepted.phone_key
    return _MASKED_EMPTY if sealed is None or key is None else mask(vault.open(sealed, key))
