"""Number hygiene (F19): numbers that are missing, bad, refused or ported; the mark is lifted by hand or by a new number."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from msgspec.structs import replace

from inbox_store.engine import Audit, Many, Program, Row, Sql
from inbox_store.keys import PhoneVault, mask
from inbox_store.nouns import Noun
from inbox_store.programs import notices

if TYPE_CHECKING:  # copies needs dispatch, which needs sms, which needs this module
    from inbox_store.programs.copies import Actor

Problem = Literal["missing", "bad", "refused", "ported"]
"""No number; bad after permanent failures; classes the person does not want; served by another carrier than its prefix says."""

RouteOf = Callable[[str], str]
"""The carrier of a number by its prefix; "" where the table does not know."""

ROWS_PER_STEP = 500


class PhoneLine(Noun, frozen=True, kw_only=True):
    """One person whose number needs a look. ``phone`` is masked; ``route`` is who serves it, ``prefix_route`` whose prefix it is.

    ``units`` are those of the person among the units asked about.
    """

    person_id: int
    code: str
    name: str
    phone: str
    problems: tuple[Problem, ...]
    failures: int
    bad_at: int | None
    failed_at: int | None
    error: str
    refused: tuple[str, ...]
    route: str
    prefix_route: str
    units: tuple[int, ...] = ()


class PhonesWanted(Noun, frozen=True, kw_only=True):
    """Which page: people of ``units`` above the id ``after`` with ``problem`` (None: with any); one more than ``limit`` is read."""

    units: tuple[int, ...]
    after: int
    limit: int
    problem: Problem | None = None


def report(wanted: PhonesWanted, vault: PhoneVault, route_of: RouteOf) -> Program[tuple[PhoneLine, ...]]:
    """The people by id, ``limit`` and one more."""
    units, after = json.dumps(wanted.units), wanted.after
    found: list[PhoneLine] = []
    while len(found) <= wanted.limit:
        rows = yield Sql("phones_page", {"units": units, "after": after, "limit": ROWS_PER_STEP})
        lines = (_line(row, vault, route_of) for row in rows)
        found += [line for line in lines if _fits(line, wanted.problem)]
        if len(rows) < ROWS_PER_STEP:
            break
        after = rows[-1][0]
    return (yield from _placed(found[: wanted.limit + 1], units))


def _fits(line: PhoneLine, problem: Problem | None) -> bool:
    return problem in line.problems if problem else bool(line.problems)


def _line(row: Row, vault: PhoneVault, route_of: RouteOf) -> PhoneLine:
    person_id, code, name, sealed, key, route, failures, bad_at, failed_at, error, refused = row
    number = vault.open(sealed, key) if sealed is not None else ""
    prefix_route = route_of(number) if number else ""
    classes = tuple(one.strip() for one in refused.split(",") if one.strip())
    ported = bool(route and prefix_route and route != prefix_route)
    has = {"missing": not number, "bad": bad_at is not None, "refused": bool(classes), "ported": ported}
    return PhoneLine(
        person_id=person_id,
        code=code,
        name=name,
        phone=mask(number) if number else "",
        problems=tuple(problem for problem, there in has.items() if there),  # type: ignore[misc]  # the keys above
        failures=failures,
        bad_at=bad_at,
        failed_at=failed_at,
        error=error,
        refused=classes,
        route=route or "",
        prefix_route=prefix_route,
    )


def _placed(lines: Sequence[PhoneLine], units: str) -> Program[tuple[PhoneLine, ...]]:
    """The lines with their units."""
    people = json.dumps([line.person_id for line in lines])
    places: dict[int, list[int]] = {}
    for person_id, unit_id in (yield Sql("phones_units", {"people": people, "units": units})):
        places.setdefault(person_id, []).append(unit_id)
    return tuple(replace(line, units=tuple(places.get(line.person_id, ()))) for line in lines)


def places(person_id: int) -> Program[tuple[int, ...]]:
    """The units in which the person can be addressed; nothing for an unknown person."""
    return tuple(row[0] for row in (yield Sql("phone_places", {"person_id": person_id})))


def failed(person_id: int, told: Mapping[str, object]) -> Program[None]:
    """A permanent failure was counted (``phone_failed``): keep the carrier's words ``stat`` and ``error`` of the report ``told``.

    Where it has just marked the number bad, the person and the clerks are told in the same transaction, once.
    """
    words = " ".join(str(told[name]) for name in ("stat", "error") if told.get(name))
    when = {"person_id": person_id, "now": told["at"]}
    yield Sql("phone_error_keep", {**when, "error": words})
    ((marked,),) = yield Sql("phone_tell", when)
    if marked:
        yield from notices.tell_bad(person_id, int(str(told["at"])))


def clear(person_id: int, by: Actor, now: int) -> Program[bool]:
    """Lift the bad mark: messages go to the number again. Returns whether there was anything to lift."""
    ((lifted,),) = yield Sql("phone_clear", {"person_id": person_id})
    if lifted:
        yield from notices.settle(person_id, now)
        yield Audit(action="phone.clear", actor=by.person_id, subject=f"person:{person_id}", origin=by.origin)
    return bool(lifted)


def changing(numbers: Iterable[tuple[str, bytes | None]], now: int) -> Program[None]:
    """Numbers are about to be written, (person code, look-up): one that is another than before starts clean.

    What the person refused stays. Messages that wait for it find their carrier anew.
    """
    given = [(code, lookup.hex().upper()) for code, lookup in numbers if lookup is not None]
    changed = [row[0] for row in (yield Sql("phones_changed", {"numbers": json.dumps(given)}))]
    people = [{"person_id": person_id} for person_id in changed]
    yield Many("phone_anew", people)
    yield Many("phone_orders_anew", people)
    for person_id in changed:
        yield from notices.settle(person_id, now)
