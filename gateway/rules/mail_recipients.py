"""Whom a mail is for: its envelope's addresses as a scope. Pure.

``<unit code>@domain`` is a unit, ``scope-<name or number>@domain`` a scope that the sending unit has saved. Addresses that
the header names under Cc are copies (抄送), all others principal recipients (主送).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal

from gateway.rules.audience import Scope, Selection
from inbox_store.errors import Refused
from inbox_store.nouns import Noun
from inbox_store.org import Organisation

SCOPE_PREFIX: Final = "scope-"
SERVICES: Final = ("bounce-", "unsubscribe-")
"""Addresses that our own mails carry: what comes to them is no document."""


class To(Noun, frozen=True, kw_only=True):
    """One recipient: a unit or a saved scope by id, or one of our own addresses as it stands."""

    kind: Literal["unit", "scope", "service"]
    id: int = 0
    address: str


def recipient(
    address: str, organisation: Organisation, saved: Mapping[str, int], domains: Iterable[str]
) -> To:
    """What ``address`` means; ``saved`` are the sending unit's scopes, ids by name.

    Raises Refused: mail_relay (another domain), mail_no_such (nobody has this address).
    """
    local, _, domain = address.rpartition("@")
    if not local or domain.lower().rstrip(".") not in {one.lower() for one in domains}:
        raise Refused("mail_relay", reason="this house takes mail for its own units only")
    told = local.strip('"').strip()
    if told.lower().startswith(SERVICES):
        return To(kind="service", address=address)
    if told.lower().startswith(SCOPE_PREFIX):
        return To(kind="scope", id=_scope(told[len(SCOPE_PREFIX) :], saved), address=address.lower())
    unit = organisation.unit_by_code(told) or _without_case(told, organisation)
    if unit is None:
        raise Refused("mail_no_such", reason="no unit has this code")
    return To(kind="unit", id=unit if isinstance(unit, int) else unit.id, address=address.lower())


def _scope(name: str, saved: Mapping[str, int]) -> int:
    if name in saved:
        return saved[name]
    if name.isascii() and name.isdigit() and int(name) in saved.values():
        return int(name)
    raise Refused("mail_no_such", reason="the unit has saved no such scope")


def _without_case(code: str, organisation: Organisation) -> int | None:
    """The one unit whose code is this but for capitals, which mail programs change."""
    found = [unit.id for unit in organisation.units.values() if unit.code.lower() == code.lower()]
    return found[0] if len(found) == 1 else None


def scope_of(recipients: Iterable[To], copies: frozenset[str]) -> Scope:
    """The scope of a mail; where the header calls everybody a copy, they are principal recipients after all."""
    told = [one for one in recipients if one.kind != "service"]
    cc = [one for one in told if one.address in copies]
    if len(cc) == len(told):
        cc = []
    to = [one for one in told if one not in cc]
    principal, copy = _selection(to), _selection(cc)
    return Scope(units=principal.units, saved=principal.saved, cc=copy)


def _selection(told: Iterable[To]) -> Selection:
    rows = list(told)
    return Selection(
        units=frozenset(one.id for one in rows if one.kind == "unit"),
        saved=frozenset(one.id for one in rows if one.kind == "scope"),
    )
