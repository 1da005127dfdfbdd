"""Logging in and staying in, and who one is."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

from msgspec import Meta

from gateway.doors.routes import PUBLIC, SIGNED_IN, Routes
from gateway.doors.v1.adapter import AppCall
from gateway.doors.wire import Answer, Body, shown
from gateway.flows.access import LoggedIn
from gateway.rules.access import ACTIONS, Principal, reach
from inbox_store.nouns import ROLE_ZH, Role, RoleScope
from inbox_store.org import Organisation, Unit

routes = Routes("auth")

Login = Annotated[str, Meta(min_length=1, max_length=64, description="登录名")]
Password = Annotated[str, Meta(min_length=1, max_length=200, description="密码")]

_KEYLESS: Final = "a log-in gives new tokens each time; its answer is a secret and is kept nowhere"
_MAY_FAIL: Final = ("login_failed", "locked", "throttled", "account_frozen", "account_closed", "busy")


class PasswordLogin(Body, frozen=True, kw_only=True):
    """登录名和密码"""

    login: Login
    password: Password


class Activation(Body, frozen=True, kw_only=True):
    """首次登录：一次性激活码和自设密码"""

    login: Login
    code: Annotated[
        str, Meta(min_length=1, max_length=40, description="本单位激活码清单上的激活码，不分大小写")
    ]
    password: Annotated[str, Meta(min_length=1, max_length=200, description="自设密码")]


class Refreshing(Body, frozen=True, kw_only=True):
    """刷新令牌，每个只能用一次"""

    refresh_token: Annotated[str, Meta(min_length=1, max_length=400)]


class PasswordChange(Body, frozen=True, kw_only=True):
    """更换密码"""

    old: Password
    new: Password


class Session(Answer, frozen=True, kw_only=True):
    """登录结果：访问令牌放在 Authorization: Bearer 请求头中"""

    account_id: int
    person_id: int
    name: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the scheme's name (RFC 6750)
    access_token: str
    access_expires_at: datetime
    refresh_token: str
    refresh_expires_at: datetime


class GrantView(Answer, frozen=True, kw_only=True):
    """一项任职；county 为所在县（区），市级单位为市"""

    role: Role
    role_zh: str
    scope: RoleScope
    unit_id: int
    unit_code: str
    unit: str
    county_id: int | None
    county: str


class ActionView(Answer, frozen=True, kw_only=True):
    """一项在某个范围内具有的权限"""

    action: str
    zh: str


class UnitName(Answer, frozen=True, kw_only=True):
    """单位"""

    id: int
    code: str
    name: str


class Me(Answer, frozen=True, kw_only=True):
    """当前登录者；接口密钥没有 account_id"""

    kind: Literal["person", "api_key"]
    person_id: int
    account_id: int | None
    name: str
    grants: tuple[GrantView, ...]
    actions: tuple[ActionView, ...]
    units: tuple[UnitName, ...]


def _session(told: LoggedIn) -> Session:
    return Session(
        account_id=told.account_id,
        person_id=told.person_id,
        name=told.name,
        access_token=told.access_token,
        access_expires_at=shown(told.access_expires_at),
        refresh_token=told.refresh_token,
        refresh_expires_at=shown(told.refresh_expires_at),
    )


_EXAMPLE: Final = Session(
    account_id=12,
    person_id=12,
    name="王芳",
    access_token="eyJ...",  # noqa: S106 - an example
    access_expires_at=shown(1_790_000_900_000_000),
    refresh_token="rt_...",  # noqa: S106 - an example
    refresh_expires_at=shown(1_790_604_800_000_000),
)


@routes.at(
    "POST",
    "/api/v1/auth/activate",
    name="auth.activate",
    access=PUBLIC,
    body=Activation,
    answer=Session,
    answer_example=_EXAMPLE,
    keyless=_KEYLESS,
    errors=(*_MAY_FAIL, "code_invalid", "password_weak"),
    example=Activation(login="wangfang", code="7K2M-9QXT-40AB-ZR3E", password="Chun-Feng7-Hua"),  # noqa: S106
    zh="激活帐户：用一次性激活码设定密码并登录",
    en="Set the first password with the one-time code of the unit's list, and log in",
)
async def activate(call: AppCall[Activation, None]) -> Session:
    """Sets the first password, or a forgotten one anew."""
    told = call.body
    return _session(await call.services.access.activate(told.login, told.code, told.password, call.origin))


@routes.at(
    "POST",
    "/api/v1/auth/login",
    name="auth.login",
    access=PUBLIC,
    body=PasswordLogin,
    answer=Session,
    answer_example=_EXAMPLE,
    keyless=_KEYLESS,
    errors=_MAY_FAIL,
    example=PasswordLogin(login="wangfang", password="Chun-Feng7-Hua"),  # noqa: S106 - an example
    zh="登录",
    en="Log in with a password",
)
async def login(call: AppCall[PasswordLogin, None]) -> Session:
    """Logs in."""
    return _session(await call.services.access.login(call.body.login, call.body.password, call.origin))


@routes.at(
    "POST",
    "/api/v1/auth/refresh",
    name="auth.refresh",
    access=PUBLIC,
    body=Refreshing,
    answer=Session,
    keyless=_KEYLESS,
    errors=("token_revoked", "account_frozen", "account_closed"),
    example=Refreshing(refresh_token="rt_..."),  # noqa: S106 - an example
    zh="换取新的访问令牌；刷新令牌随之更换",
    en="The next pair of tokens; a refresh token used twice ends its session",
)
async def refresh(call: AppCall[Refreshing, None]) -> Session:
    """Gives the next pair."""
    return _session(await call.services.access.refresh(call.body.refresh_token, call.origin))


@routes.at(
    "POST",
    "/api/v1/auth/logout",
    name="auth.logout",
    access="account.self",
    status=204,
    keyless="logging out twice is logging out",
    zh="退出登录",
    en="End this session",
)
async def logout(call: AppCall[None, None]) -> None:
    """Ends the session of the token."""
    await call.services.access.logout(call.principal, call.origin)


@routes.at(
    "PUT",
    "/api/v1/auth/password",
    name="auth.password",
    access="account.self",
    body=PasswordChange,
    answer=Session,
    keyless=_KEYLESS,
    errors=(*_MAY_FAIL, "password_weak"),
    example=PasswordChange(old="Chun-Feng7-Hua", new="Qiu-Yue9-Shui"),
    zh="更换密码；其他设备上的登录随之失效",
    en="Replace one's own password; every other session ends",
)
async def change_password(call: AppCall[PasswordChange, None]) -> Session:
    """Replaces the password and begins a new session."""
    told = await call.services.access.change_password(
        call.principal, call.body.old, call.body.new, call.origin
    )
    return _session(told)


@routes.at(
    "GET",
    "/api/v1/me",
    name="auth.me",
    access=SIGNED_IN,
    answer=Me,
    zh="当前登录者：任职、权限和单位",
    en="Who one is: posts, rights and units",
)
async def me(call: AppCall[None, None]) -> Me:
    """Tells the caller about itself."""
    return me_of(call.principal, await call.services.house.organisation())


def me_of(principal: Principal, organisation: Organisation) -> Me:
    """The principal as its owner sees it. An action is listed when it is within reach somewhere."""
    units = {grant.unit_id: organisation.units.get(grant.unit_id) for grant in principal.grants}
    grants = sorted(principal.grants, key=lambda grant: (grant.unit_id, grant.role))
    return Me(
        kind=principal.kind,
        person_id=principal.person_id,
        account_id=principal.account_id if principal.kind == "person" else None,
        name=principal.name,
        grants=tuple(
            GrantView(
                role=grant.role,
                role_zh=ROLE_ZH[grant.role],
                scope=grant.scope,
                unit_id=grant.unit_id,
                unit_code=_code(units[grant.unit_id]),
                unit=_name(units[grant.unit_id]),
                county_id=grant.county_id or None,
                county=_county(grant.county_id, organisation),
            )
            for grant in grants
        ),
        actions=tuple(
            ActionView(action=name, zh=action.zh)
            for name, action in ACTIONS.items()
            if reach(principal, name)
        ),
        units=tuple(
            UnitName(id=unit.id, code=unit.code, name=unit.name)
            for _, unit in sorted(units.items())
            if unit is not None
        ),
    )


def _code(unit: Unit | None) -> str:
    return unit.code if unit else ""


def _name(unit: Unit | None) -> str:
    return unit.name if unit else ""


def _county(county_id: int, organisation: Organisation) -> str:
    county = organisation.regions.get(county_id)
    return county.name if county else ""
