"""Registers that senders lean on: saved scopes (发文范围), exempt kinds (J26), series of briefs (X20)."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from gateway.doors.call import Encoded
from gateway.doors.routes import Routes
from gateway.doors.v1.adapter import AppCall, act_of, encoded, faulty
from gateway.doors.v1.reaching import ensure, target_of, unit_for, units_within
from gateway.doors.wire import Answer, Body, Id, shown
from gateway.rules.access import HOUSE
from inbox_store.engine import Program
from inbox_store.errors import Refused
from inbox_store.nouns import KIND_ZH, Kind
from inbox_store.programs import registers as programs
from inbox_store.programs.registers import Exemption, SavedScope, Series
from inbox_store.times import day_int, int_day

routes = Routes("registers")

UNITS_MAX: Final = 20_000
FAULTS_MAX: Final = 200
"""Unknown units pointed at in one refusal."""

ScopeName = Annotated[str, Meta(min_length=1, max_length=60, description="名称，同一单位内不重复")]
ScopeUnits = Annotated[tuple[Id, ...], Meta(min_length=1, max_length=UNITS_MAX, description="单位")]


# Saved scopes -------------------------------------------------------------------------------------------------------


class NewScope(Body, frozen=True, kw_only=True):
    """保存一个发文范围；同名的被替换"""

    unit_id: Id
    name: ScopeName
    units: ScopeUnits


class ScopeContent(Body, frozen=True, kw_only=True):
    """发文范围的新内容"""

    units: ScopeUnits


class ScopeView(Answer, frozen=True, kw_only=True):
    """一个保存的发文范围"""

    id: int
    unit_id: int
    name: str
    units: tuple[int, ...]
    created_at: datetime


class ScopeList(Answer, frozen=True, kw_only=True):
    """本人可用的发文范围"""

    items: tuple[ScopeView, ...]


def _scope(told: SavedScope) -> ScopeView:
    return ScopeView(
        id=told.id,
        unit_id=told.unit_id,
        name=told.name,
        units=tuple(sorted(msgspec.json.decode(told.scope, type=frozenset[int]))),
        created_at=shown(told.created_at),
    )


@routes.at(
    "GET",
    "/api/v1/scopes",
    name="scope.list",
    access="scopes.manage",
    answer=ScopeList,
    zh="保存的发文范围一览",
    en="The saved scopes of one's units",
)
async def list_scopes(call: AppCall[None, None]) -> ScopeList:
    """All saved scopes within reach."""
    house = call.services.house
    units = units_within(call.principal, "scopes.manage", await house.organisation())
    found = await house.store.engine.read(programs.scopes_of(unit.id for unit in units))
    return ScopeList(items=tuple(_scope(one) for one in found))


@routes.at(
    "POST",
    "/api/v1/scopes",
    name="scope.save",
    access="scopes.manage",
    body=NewScope,
    answer=ScopeView,
    status=201,
    example=NewScope(unit_id=3, name="各县区教育局", units=(11, 12)),
    errors=("scope_unknown_unit",),
    zh="保存发文范围",
    en="Keep a scope under a name; the same name again replaces it",
)
async def save_scope(call: AppCall[NewScope, None]) -> Encoded:
    """Keeps a scope."""
    told = call.body
    await unit_for(call, "scopes.manage", told.unit_id)
    return await _kept(call, told.unit_id, told.name, told.units, status=201)


async def _kept(
    call: AppCall[NewScope, None] | AppCall[ScopeContent, None],
    unit_id: int,
    name: str,
    units: tuple[int, ...],
    status: int,
) -> Encoded:
    house = call.services.house
    known = (await house.organisation()).units
    if unknown := [(f"/units/{at}", "没有这个单位") for at, unit in enumerate(units) if unit not in known]:
        raise faulty("scope_unknown_unit", *unknown[:FAULTS_MAX])
    told = json.dumps(sorted(set(units)))
    fact = _saved(unit_id, name, told, call.principal.person_id, call.now)
    return encoded(await house.once(act_of(call), fact, _scope, status))


def _saved(unit_id: int, name: str, scope: str, actor: int, now: int) -> Program[SavedScope]:
    scope_id = yield from programs.save_scope(unit_id, name, scope, actor, now)
    return (yield from programs.scope_one(scope_id))


async def _reached(call: AppCall[ScopeContent, None] | AppCall[None, None]) -> SavedScope:
    """The scope of the path, when the caller manages it; another unit's is as good as none."""
    house = call.services.house
    told = await house.store.engine.read(programs.scope_one(call.path.number("scope_id")))
    unit = (await house.organisation()).units.get(told.unit_id)
    if unit is None:
        raise Refused("not_found")
    ensure(call.principal, "scopes.manage", target_of(unit))
    return told


@routes.at(
    "GET",
    "/api/v1/scopes/{scope_id:int}",
    name="scope.show",
    access="scopes.manage",
    answer=ScopeView,
    zh="查看发文范围",
    en="One saved scope",
)
async def show_scope(call: AppCall[None, None]) -> ScopeView:
    """One scope."""
    return _scope(await _reached(call))


@routes.at(
    "PUT",
    "/api/v1/scopes/{scope_id:int}",
    name="scope.replace",
    access="scopes.manage",
    body=ScopeContent,
    answer=ScopeView,
    example=ScopeContent(units=(11, 12, 13)),
    errors=("scope_unknown_unit",),
    zh="更换发文范围的内容；已发出的文件不受影响",
    en="Replace what a saved scope holds; dispatches keep their own expansion",
)
async def replace_scope(call: AppCall[ScopeContent, None]) -> Encoded:
    """Replaces the units."""
    told = await _reached(call)
    return await _kept(call, told.unit_id, told.name, call.body.units, status=200)


@routes.at(
    "DELETE",
    "/api/v1/scopes/{scope_id:int}",
    name="scope.drop",
    access="scopes.manage",
    status=204,
    zh="删除发文范围",
    en="Forget a saved scope",
)
async def drop_scope(call: AppCall[None, None]) -> Encoded:
    """Forgets a scope."""
    house = call.services.house
    # Asked for again after it was deleted, the scope is gone, and the same answer stands.
    earlier = await house.told_before(act_of(call))
    if earlier is not None:
        return encoded(earlier)
    told = await _reached(call)
    fact = programs.drop_scope(told.id, call.principal.person_id)
    return encoded(await house.once(act_of(call), fact, lambda _: None, status=204))


# Exempt kinds -------------------------------------------------------------------------------------------------------

Word = Annotated[str, Meta(min_length=1, max_length=20)]


class NewExemption(Body, frozen=True, kw_only=True):
    """登记不在系统运行的文件：文种和标题中的字至少填一项，都填则须同时符合"""

    basis: Annotated[str, Meta(min_length=1, max_length=200, description="依据，发文人能看到")]
    kinds: Annotated[tuple[Kind, ...], Meta(max_length=30)] = ()
    words: Annotated[tuple[Word, ...], Meta(max_length=30, description="标题中的字")] = ()
    from_day: date
    to_day: Annotated[date, Meta(description="自该日起不再适用")] | None = None


class ExemptionView(Answer, frozen=True, kw_only=True):
    """豁免登记的一行"""

    id: int
    basis: str
    kinds: tuple[str, ...]
    kinds_zh: tuple[str, ...]
    words: tuple[str, ...]
    from_day: date
    to_day: date | None


class ExemptionList(Answer, frozen=True, kw_only=True):
    """豁免登记"""

    items: tuple[ExemptionView, ...]


def _exemption(told: Exemption) -> ExemptionView:
    what = msgspec.json.decode(told.kind, type=dict[str, tuple[str, ...]])
    kinds = what.get("kinds", ())
    return ExemptionView(
        id=told.id,
        basis=told.basis,
        kinds=kinds,
        kinds_zh=tuple(KIND_ZH.get(kind, kind) for kind in kinds),
        words=what.get("words", ()),
        from_day=int_day(told.from_day),
        to_day=int_day(told.to_day) if told.to_day else None,
    )


@routes.at(
    "GET",
    "/api/v1/exemptions",
    name="exemption.list",
    access="org.read",
    answer=ExemptionList,
    zh="豁免登记一览：不在系统运行的文件",
    en="The register of papers that do not run on the platform",
)
async def list_exemptions(call: AppCall[None, None]) -> ExemptionList:
    """The whole register."""
    found = await call.services.house.store.engine.read(programs.exemptions())
    return ExemptionList(items=tuple(_exemption(one) for one in found))


@routes.at(
    "POST",
    "/api/v1/exemptions",
    name="exemption.add",
    access="exemptions.manage",
    body=NewExemption,
    answer=ExemptionView,
    status=201,
    example=NewExemption(basis="市委办〔2026〕3 号", words=("人事任免",), from_day=date(2026, 3, 1)),
    errors=("field_missing", "period_reversed"),
    zh="登记豁免",
    en="Register what does not run on the platform, for the whole city",
)
async def add_exemption(call: AppCall[NewExemption, None]) -> Encoded:
    """Adds a line, which holds for every unit: a county's approver has no say over the others."""
    told = call.body
    ensure(call.principal, "exemptions.manage", HOUSE)
    if not (told.kinds or told.words):
        raise Refused("field_missing", field="文种或标题中的字")
    _in_order(told.from_day, told.to_day)
    what = json.dumps({"kinds": sorted(told.kinds), "words": told.words}, ensure_ascii=False)
    row = Exemption(
        id=0,
        kind=what,
        basis=told.basis,
        from_day=day_int(told.from_day),
        to_day=day_int(told.to_day) if told.to_day else None,
    )
    fact = programs.add_exemption(
        what, told.basis, row.from_day, row.to_day, call.principal.person_id, call.now
    )
    answer = await call.services.house.once(
        act_of(call), fact, lambda new: _exemption(msgspec.structs.replace(row, id=new)), 201
    )
    return encoded(answer)


def _in_order(first: date, end: date | None) -> None:
    if end is not None and end <= first:
        raise Refused("period_reversed", start=first.isoformat(), end=end.isoformat())


# Series of briefs ---------------------------------------------------------------------------------------------------


class NewSeries(Body, frozen=True, kw_only=True):
    """登记简报、专报"""

    unit_id: Id
    name: Annotated[str, Meta(min_length=1, max_length=60, description="刊名")]
    from_day: date
    to_day: Annotated[date, Meta(description="自该日起不再适用")] | None = None


class SeriesView(Answer, frozen=True, kw_only=True):
    """一种登记的简报"""

    id: int
    unit_id: int
    name: str
    from_day: date
    to_day: date | None


class SeriesList(Answer, frozen=True, kw_only=True):
    """简报登记"""

    items: tuple[SeriesView, ...]


def _series(told: Series) -> SeriesView:
    return SeriesView(
        id=told.id,
        unit_id=told.unit_id,
        name=told.name,
        from_day=int_day(told.from_day),
        to_day=int_day(told.to_day) if told.to_day else None,
    )


@routes.at(
    "GET",
    "/api/v1/brief-series",
    name="series.list",
    access="org.read",
    answer=SeriesList,
    zh="简报登记一览",
    en="The registered series of briefs",
)
async def list_series(call: AppCall[None, None]) -> SeriesList:
    """Every series of a unit the caller may see."""
    house = call.services.house
    units = {unit.id for unit in units_within(call.principal, "org.read", await house.organisation())}
    found = await house.store.engine.read(programs.series())
    return SeriesList(items=tuple(_series(one) for one in found if one.unit_id in units))


@routes.at(
    "POST",
    "/api/v1/brief-series",
    name="series.add",
    access="series.manage",
    body=NewSeries,
    answer=SeriesView,
    status=201,
    example=NewSeries(unit_id=3, name="政务信息", from_day=date(2026, 3, 1)),
    errors=("period_reversed",),
    zh="登记简报",
    en="Register a series of briefs for a unit; only registered series may be sent",
)
async def add_series(call: AppCall[NewSeries, None]) -> Encoded:
    """Registers a series; the same name again changes its days."""
    told = call.body
    await unit_for(call, "series.manage", told.unit_id)
    _in_order(told.from_day, told.to_day)
    row = Series(
        id=0,
        unit_id=told.unit_id,
        name=told.name,
        from_day=day_int(told.from_day),
        to_day=day_int(told.to_day) if told.to_day else None,
    )
    fact = programs.add_series(
        row.unit_id, row.name, row.from_day, row.to_day, call.principal.person_id, call.now
    )
    answer = await call.services.house.once(
        act_of(call), fact, lambda new: _series(msgspec.structs.replace(row, id=new)), 201
    )
    return encoded(answer)
