"""Routes of mail: one's own address for alerts, and what a unit's mail may do by itself (F40)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from gateway.doors.call import Encoded
from gateway.doors.routes import Routes
from gateway.doors.v1.adapter import AppCall, act_of, encoded
from gateway.doors.wire import Answer, Body
from gateway.flows import mail_address, mail_drafts
from gateway.flows.mail_address import MailSetting
from inbox_store.errors import Refused
from inbox_store.mails import MailMode, MailPolicy
from inbox_store.nouns import KIND_ZH, Kind

routes = Routes("mail")


class NewAddress(Body, frozen=True, kw_only=True):
    """提醒邮箱的地址"""

    address: Annotated[str, Meta(min_length=3, max_length=254, description="邮件地址")]


class MailCode(Body, frozen=True, kw_only=True):
    """邮件中的验证码"""

    code: Annotated[str, Meta(pattern="^[0-9]{6}$", description="六位数字")]


class MailWish(Body, frozen=True, kw_only=True):
    """ordinary 为假时，平件提醒不再发邮件；特急照发"""

    ordinary: bool


@routes.at(
    "GET",
    "/api/v1/account/mail",
    name="account.mail",
    access="account.self",
    answer=MailSetting,
    zh="本人的提醒邮箱",
    en="One's own address for alerts by mail",
)
async def show(call: AppCall[None, None]) -> MailSetting:
    """What is set."""
    return await mail_address.shown(call.services.house, call.principal.person_id)


@routes.at(
    "PUT",
    "/api/v1/account/mail",
    name="account.mail_ask",
    access="account.self",
    body=NewAddress,
    status=204,
    example=NewAddress(address="zhang@example.gov.cn"),
    errors=("field_invalid", "throttled", "mail_off", "mail_unreachable", "mail_refused"),
    zh="登记提醒邮箱：验证码随即发到该地址",
    en="Tell one's address: a code is sent to it at once",
)
async def ask(call: AppCall[NewAddress, None]) -> Encoded:
    """Sends the code."""
    services = call.services
    return encoded(await mail_address.ask(services.house, services.mail, act_of(call), call.body.address))


@routes.at(
    "POST",
    "/api/v1/account/mail/verify",
    name="account.mail_verify",
    access="account.self",
    body=MailCode,
    status=204,
    example=MailCode(code="123456"),
    errors=("mail_code_invalid",),
    zh="用邮件中的验证码确认提醒邮箱",
    en="Prove the address by the code that came to it",
)
async def verify(call: AppCall[MailCode, None]) -> Encoded:
    """Takes the code."""
    return encoded(await mail_address.prove(call.services.house, act_of(call), call.body.code))


@routes.at(
    "POST",
    "/api/v1/account/mail/wish",
    name="account.mail_wish",
    access="account.self",
    body=MailWish,
    status=204,
    example=MailWish(ordinary=False),
    zh="平件提醒是否也发邮件",
    en="Whether ordinary alerts come by mail too",
)
async def wish(call: AppCall[MailWish, None]) -> Encoded:
    """Keeps the wish."""
    told = await mail_address.prefer(call.services.house, act_of(call), ordinary=call.body.ordinary)
    return encoded(told)


@routes.at(
    "DELETE",
    "/api/v1/account/mail",
    name="account.mail_drop",
    access="account.self",
    status=204,
    zh="删除提醒邮箱，不再发邮件",
    en="Forget the address: no more mail",
)
async def drop(call: AppCall[None, None]) -> Encoded:
    """Forgets it."""
    return encoded(await mail_address.drop(call.services.house, act_of(call)))


# What a unit's mail may do ------------------------------------------------------------------------------------------


class MailRule(Body, frozen=True, kw_only=True):
    """单位来信的办法：draft 存为草稿，dispatch 直接发文（文种为 kind）"""

    mode: MailMode
    kind: Kind = "slip"


class MailRuleView(Answer, frozen=True, kw_only=True):
    """单位来信的办法"""

    unit_id: int
    mode: MailMode
    kind: str
    kind_zh: str


def _view(unit_id: int, policy: MailPolicy) -> MailRuleView:
    return MailRuleView(unit_id=unit_id, mode=policy.mode, kind=policy.kind, kind_zh=KIND_ZH[policy.kind])


@routes.at(
    "GET",
    "/api/v1/units/{unit_id:int}/mail-rule",
    name="unit.mail_rule",
    access="account.api_key",
    answer=MailRuleView,
    zh="单位用接口密钥送来的邮件如何处理",
    en="What becomes of mail under the unit's keys",
)
async def show_rule(call: AppCall[None, None]) -> MailRuleView:
    """The rule, the default where none was set."""
    unit_id = call.path.number("unit_id")
    return _view(unit_id, await mail_drafts.policy_of(call.services.house, call.principal, unit_id))


@routes.at(
    "PUT",
    "/api/v1/units/{unit_id:int}/mail-rule",
    name="unit.mail_rule_set",
    access="account.api_key",
    body=MailRule,
    answer=MailRuleView,
    example=MailRule(mode="dispatch", kind="slip"),
    errors=("field_invalid",),
    zh="设定单位来信存为草稿，还是直接发文",
    en="Whether a unit's mail waits as a draft or goes out as it came",
)
async def set_rule(call: AppCall[MailRule, None]) -> Encoded:
    """Keeps the rule. A mail cannot fill a meeting's form, and is no telegram."""
    told, unit_id = call.body, call.path.number("unit_id")
    if told.kind in ("meeting_notice", "telegram", "brief"):
        raise Refused("field_invalid", field="kind", reason="邮件不能填写这类文件的要素")
    policy = MailPolicy(told.mode, told.kind)
    act = act_of(call)
    return encoded(
        await mail_drafts.set_policy(
            call.services.house, act, unit_id, policy, lambda _: _view(unit_id, policy)
        )
    )
