"""Keys of other systems: made, listed, ended."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from gateway.doors.call import Encoded
from gateway.doors.routes import Routes
from gateway.doors.v1.adapter import AppCall
from gateway.doors.v1.reaching import repeatable
from gateway.doors.v1.shown import when
from gateway.doors.wire import Answer, Body, Id, shown
from gateway.flows.account_desk import KeyWish
from gateway.rules.access import ACTIONS
from inbox_store.nouns import ROLE_ZH, Role, RoleScope
from inbox_store.programs.api_keys import ApiKey

routes = Routes("api_keys")


class NewKey(Body, frozen=True, kw_only=True):
    """新密钥：归哪个单位、由谁负责（登录名）、以什么角色、准做哪些操作、多少天有效"""

    unit_id: Id
    name: Annotated[str, Meta(min_length=1, max_length=60, description="系统名称")]
    login: Annotated[str, Meta(min_length=1, max_length=64, description="责任人的登录名")]
    actions: Annotated[tuple[str, ...], Meta(min_length=1, max_length=50, description="准许的操作")]
    role: Role = "clerk"
    scope: RoleScope = "unit"
    days: Annotated[int, Meta(ge=1, le=400, description="有效天数")] = 365


class KeyTold(Answer, frozen=True, kw_only=True):
    """新密钥，只显示这一次"""

    id: int
    key: str


class KeyAction(Answer, frozen=True, kw_only=True):
    """密钥准许的一项操作"""

    action: str
    zh: str


class KeyView(Answer, frozen=True, kw_only=True):
    """一个接口密钥；prefix 用来辨认和停用，密钥本身不再显示"""

    id: int
    prefix: str
    name: str
    unit_id: int
    person_id: int
    role: Role
    role_zh: str
    scope: RoleScope
    actions: tuple[KeyAction, ...]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    holds: bool


class KeyList(Answer, frozen=True, kw_only=True):
    """管理范围内的接口密钥"""

    items: tuple[KeyView, ...]


@routes.at(
    "POST",
    "/api/v1/api-keys",
    name="api_key.create",
    access="account.api_key",
    body=NewKey,
    answer=KeyTold,
    status=201,
    example=NewKey(unit_id=3, name="OA 对接", login="wangfang", actions=("dispatch.submit",)),
    keyless="the key is a secret told once and kept nowhere; a lost answer is mended by revoking and making anew",
    errors=("key_role", "key_actions", "key_days", "key_owner"),
    zh="新建接口密钥，只显示这一次",
    en="Make a key for another system; it is told once",
)
async def create(call: AppCall[NewKey, None]) -> KeyTold:
    """Makes a key."""
    told = call.body
    unit = await call.services.house.unit(told.unit_id)
    wish = KeyWish(
        unit=unit.code,
        name=told.name,
        login=told.login,
        actions=frozenset(told.actions),
        role=told.role,
        scope=told.scope,
        days=told.days,
    )
    key_id, text = await call.services.access.create_api_key(call.principal, wish, origin=call.origin)
    return KeyTold(id=key_id, key=text)


def _view(key: ApiKey, *, holds: bool) -> KeyView:
    return KeyView(
        id=key.id,
        prefix=key.prefix,
        name=key.name,
        unit_id=key.unit_id,
        person_id=key.person_id,
        role=key.role,
        role_zh=ROLE_ZH[key.role],
        scope=key.scope,
        actions=tuple(
            KeyAction(action=name, zh=ACTIONS[name].zh if name in ACTIONS else name)
            for name in sorted(key.actions)
        ),
        created_at=shown(key.created_at),
        expires_at=shown(key.expires_at),
        revoked_at=when(key.revoked_at),
        holds=holds,
    )


@routes.at(
    "GET",
    "/api/v1/api-keys",
    name="api_key.list",
    access="account.api_key",
    answer=KeyList,
    zh="接口密钥一览",
    en="The keys within reach",
)
async def list_keys(call: AppCall[None, None]) -> KeyList:
    """Every key within reach, ended ones included."""
    keys = await call.services.access.api_keys(call.principal)
    return KeyList(items=tuple(_view(key, holds=holds) for key, holds in keys))


@routes.at(
    "DELETE",
    "/api/v1/api-keys/{prefix}",
    name="api_key.revoke",
    access="account.api_key",
    status=204,
    zh="停用接口密钥，立即生效",
    en="End a key at once",
)
async def revoke(call: AppCall[None, None]) -> Encoded:
    """Ends a key."""
    prefix = call.path.text("prefix")
    return await repeatable(
        call,
        lambda: call.services.access.revoke_api_key(call.principal, prefix, origin=call.origin),
        lambda _: None,
        status=204,
    )
