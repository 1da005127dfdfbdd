"""People of a unit and their accounts: lists, codes for the first log-in, freeze, close, unlock, revoke (F18, P57)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from gateway.doors.call import Encoded
from gateway.doors.cursors import Cursor, Page, PageQuery
from gateway.doors.routes import Routes
from gateway.doors.v1.adapter import AppCall
from gateway.doors.v1.reaching import (
    ensure,
    instant_of_day,
    repeatable,
    target_of,
    unit_for,
)
from gateway.doors.v1.shown import Position, when
from gateway.doors.wire import Answer, Body, shown
from gateway.flows.account_desk import CodeList
from gateway.orgfile.words import SCOPE_ZH
from gateway.rules.access import permit
from inbox_store.nouns import ROLE_ZH, AccountState, ClerkRank, Role, RoleScope
from inbox_store.programs.access import Account
from inbox_store.programs.people import PersonLine, Post, Wanted, people, people_shown

routes = Routes("accounts")

STATE_ZH: Final[dict[AccountState, str]] = {
    "pending": "待激活",
    "active": "正常",
    "frozen": "已冻结",
    "closed": "已注销",
}


class PostView(Answer, frozen=True, kw_only=True):
    """在本单位的一项任职"""

    role: Role
    role_zh: str
    clerk_rank: ClerkRank | None
    post: str
    scope: RoleScope
    scope_zh: str
    from_at: datetime
    to_at: datetime | None


class AccountView(Answer, frozen=True, kw_only=True):
    """帐户"""

    id: int
    login: str
    name: str
    state: AccountState
    state_zh: str
    frozen_from: datetime | None
    closed_from: datetime | None
    locked_until: datetime | None
    last_login_at: datetime | None


class PersonView(Answer, frozen=True, kw_only=True):
    """本单位人员；account 只给有权查看帐户的人"""

    id: int
    code: str
    name: str
    phone: str
    posts: tuple[PostView, ...]
    account: AccountView | None


class PeopleQuery(PageQuery, frozen=True, kw_only=True):
    """人员名单的条件"""

    phones: Annotated[
        Literal["masked", "full"], Meta(description="full 显示完整手机号，须有权限，并记入审计")
    ] = "masked"


class After(msgspec.Struct, frozen=True):
    """The person below whom a page begins."""

    person_id: Position


_PEOPLE: Final = Cursor("unit.people", After)


def _post(told: Post) -> PostView:
    return PostView(
        role=told.role,
        role_zh=ROLE_ZH[told.role],
        clerk_rank=told.clerk_rank,
        post=told.post,
        scope=told.scope,
        scope_zh=SCOPE_ZH[told.scope],
        from_at=shown(told.from_at),
        to_at=when(told.to_at),
    )


def _account_of(line: PersonLine) -> AccountView:
    return AccountView(
        id=line.account_id,
        login=line.login,
        name=line.name,
        state=line.state,
        state_zh=STATE_ZH[line.state],
        frozen_from=when(line.frozen_from),
        closed_from=when(line.closed_from),
        locked_until=when(line.locked_until),
        last_login_at=when(line.last_login_at),
    )


def _person(line: PersonLine, *, accounts: bool) -> PersonView:
    return PersonView(
        id=line.id,
        code=line.code,
        name=line.name,
        phone=line.phone,
        posts=tuple(_post(post) for post in line.posts),
        account=_account_of(line) if accounts else None,
    )


@routes.at(
    "GET",
    "/api/v1/units/{unit_id:int}/people",
    name="unit.people",
    access="org.people",
    query=PeopleQuery,
    answer=Page[PersonView],
    errors=("cursor_invalid",),
    zh="单位人员名单；手机号默认隐去中间四位",
    en="The people of a unit; phone numbers are masked unless asked for by right, which is recorded",
)
async def list_people(call: AppCall[None, PeopleQuery]) -> Page[PersonView]:
    """A page of the unit's people by id."""
    unit = await unit_for(call, "org.people", call.path.number("unit_id"))
    store = call.services.house.store
    after = _PEOPLE.decode(call.query.cursor)
    wanted = Wanted(
        unit_id=unit.id, after=after.person_id if after else 0, limit=call.query.limit, now=call.now
    )
    if call.query.phones == "full":
        ensure(call.principal, "org.phones", target_of(unit))
        lines = await store.engine.write(
            people_shown(wanted, store.keys.phones, call.principal.person_id, call.origin)
        )
    else:
        lines = await store.engine.read(people(wanted, store.keys.phones))
    accounts = permit(call.principal, "account.list", target_of(unit))
    rows = [_person(line, accounts=accounts) for line in lines]
    return _PEOPLE.page(rows, call.query.limit, lambda row: After(row.id))


# Accounts -----------------------------------------------------------------------------------------------------------


class Dated(Body, frozen=True, kw_only=True):
    """从哪一天零时起；不填或填当天以前的日子为立即"""

    from_day: date | None = None


class Changed(Answer, frozen=True, kw_only=True):
    """变动后的帐户"""

    id: int
    login: str
    name: str
    state: AccountState
    state_zh: str
    frozen_from: datetime | None
    closed_from: datetime | None


def _changed(told: Account) -> Changed:
    return Changed(
        id=told.id,
        login=told.login,
        name=told.name,
        state=told.state,
        state_zh=STATE_ZH[told.state],
        frozen_from=when(told.frozen_from),
        closed_from=when(told.closed_from),
    )


@routes.at(
    "POST",
    "/api/v1/accounts/{account_id:int}/freeze",
    name="account.freeze",
    access="account.freeze",
    body=Dated,
    answer=Changed,
    example=Dated(from_day=date(2026, 3, 1)),
    errors=("account_closed",),
    zh="冻结帐户：不能登录，不再收文，历史保留",
    en="Freeze an account, from a day on: no log-in, nothing received, history stays",
)
async def freeze(call: AppCall[Dated, None]) -> Encoded:
    """Freezes."""
    from_at = instant_of_day(call.body.from_day, call.now)
    return await repeatable(
        call,
        lambda: call.services.access.freeze(call.principal, _id(call), from_at, origin=call.origin),
        _changed,
    )


@routes.at(
    "POST",
    "/api/v1/accounts/{account_id:int}/unfreeze",
    name="account.unfreeze",
    access="account.freeze",
    answer=Changed,
    errors=("account_closed", "account_not_frozen"),
    zh="解除冻结，或取消已定日期的冻结",
    en="Lift a freeze, in force or announced",
)
async def unfreeze(call: AppCall[None, None]) -> Encoded:
    """Thaws."""
    return await repeatable(
        call, lambda: call.services.access.unfreeze(call.principal, _id(call), origin=call.origin), _changed
    )


@routes.at(
    "POST",
    "/api/v1/accounts/{account_id:int}/close",
    name="account.close",
    access="account.close",
    body=Dated,
    answer=Changed,
    example=Dated(from_day=date(2026, 3, 1)),
    errors=("account_closed",),
    zh="注销帐户：不可恢复，历史保留",
    en="Close an account for ever, from a day on; nothing is deleted",
)
async def close(call: AppCall[Dated, None]) -> Encoded:
    """Closes."""
    from_at = instant_of_day(call.body.from_day, call.now)
    return await repeatable(
        call,
        lambda: call.services.access.close(call.principal, _id(call), from_at, origin=call.origin),
        _changed,
    )


@routes.at(
    "POST",
    "/api/v1/accounts/{account_id:int}/unlock",
    name="account.unlock",
    access="account.unlock",
    status=204,
    zh="解除登录锁定",
    en="Lift the lock that failed log-ins set",
)
async def unlock(call: AppCall[None, None]) -> Encoded:
    """Unlocks."""
    return await repeatable(
        call,
        lambda: call.services.access.unlock(call.principal, _id(call), origin=call.origin),
        lambda _: None,
        status=204,
    )


@routes.at(
    "POST",
    "/api/v1/accounts/{account_id:int}/revoke",
    name="account.revoke",
    access="account.revoke",
    status=204,
    zh="吊销该帐户的全部登录；本人可以重新登录",
    en="End every session and token of an account; the person may log in again",
)
async def revoke(call: AppCall[None, None]) -> Encoded:
    """Revokes."""
    return await repeatable(
        call,
        lambda: call.services.access.revoke(call.principal, _id(call), origin=call.origin),
        lambda _: None,
        status=204,
    )


def _id(call: AppCall[Any, Any]) -> int:
    return call.path.number("account_id")


# Codes for the first log-in -----------------------------------------------------------------------------------------


class CodesWanted(Body, frozen=True, kw_only=True):
    """发放激活码；anew 为真时连同未过期的一并换新，旧码作废"""

    anew: bool = False


class CodeView(Answer, frozen=True, kw_only=True):
    """清单的一行；先前发放、仍有效的码不再显示，code 为空"""

    person_code: str
    name: str
    login: str
    code: str


class CodeSheet(Answer, frozen=True, kw_only=True):
    """本单位激活码清单，只显示这一次，请打印后交单位收发员"""

    unit: str
    expires_at: datetime
    lines: tuple[CodeView, ...]


def _codes(told: CodeList) -> CodeSheet:
    return CodeSheet(
        unit=told.unit,
        expires_at=shown(told.expires_at),
        lines=tuple(
            CodeView(person_code=line.person_code, name=line.name, login=line.login, code=line.code)
            for line in told.lines
        ),
    )


@routes.at(
    "POST",
    "/api/v1/units/{unit_id:int}/activation-codes",
    name="unit.activation_codes",
    access="account.activation_codes",
    body=CodesWanted,
    answer=CodeSheet,
    example=CodesWanted(),
    keyless="codes are told once and kept nowhere; a repetition leaves those that hold alone",
    zh="发放本单位的激活码清单，只显示这一次",
    en="One-time codes for everybody of the unit who never logged in: the printable list, told once",
)
async def activation_codes(call: AppCall[CodesWanted, None]) -> CodeSheet:
    """Hands out the list."""
    told = await call.services.access.activation_codes(
        call.principal, call.path.number("unit_id"), anew=call.body.anew, origin=call.origin
    )
    return _codes(told)
