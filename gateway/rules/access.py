"""Who may do what, where: the one policy place (ASVS 8.2.1, 8.4.1; F32).

``ACTIONS`` is the whole policy: each action names the roles that may do it and how far each role's appointment
carries. ``reach`` turns that into places, ``permit`` asks whether one place is among them, and list queries build
their SQL predicate from the same ``reach``: the door and the query cannot disagree. What is not written here is denied.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, get_args

from inbox_store.nouns import LEADER_ROLES, ROLE_ZH, Noun, Role, RoleScope

Within = Literal["everywhere", "city", "scope", "unit", "own"]
"""How far a clause carries: any place; the whole house, for a city-wide appointment only; as far as the appointment's
scope; only the unit of the appointment, whatever its scope; only what is the person's own."""

_WITHIN_ZH: Final[dict[Within, str]] = {
    "everywhere": "不限范围",
    "city": "须为全市范围的任职",
    "scope": "限任职的管辖范围",
    "unit": "限本单位",
    "own": "限本人",
}


class Grant(Noun, frozen=True, kw_only=True):
    """One appointment valid now. ``county_id`` is the county in which the unit lies (the city region for city units).

    ``for_person``: whose appointment it is, where the principal is the agent of an absent person; 0 for one's own.
    """

    role: Role
    scope: RoleScope
    unit_id: int
    county_id: int
    for_person: int = 0


class Principal(Noun, frozen=True, kw_only=True):
    """Who acts. ``actions`` narrows what the grants give: a key has an explicit list, a person None (no narrowing).

    ``person_id`` of a key is the person who answers for it; ``account_id`` is then 0. ``session`` and ``epoch`` say
    which log-in the token came from, so that a live socket can be asked about again.
    """

    person_id: int
    account_id: int
    name: str
    grants: frozenset[Grant]
    kind: Literal["person", "api_key"] = "person"
    token_id: str = ""
    actions: frozenset[str] | None = None
    session: str = ""
    epoch: int = 0
    alike: frozenset[int] = frozenset()
    """Whom the principal is agent for, and who is agent for the principal: one hand where a second person must decide."""

    def units_as(self, *roles: Role) -> frozenset[int]:
        """The units in which the principal holds one of ``roles`` now."""
        return frozenset(grant.unit_id for grant in self.grants if grant.role in roles)


class Target(Noun, frozen=True, kw_only=True):
    """What is acted upon: a unit and its county; only a county; or, with neither, the house as a whole.

    ``person_id`` is whose matter it is: the owner of the inbox entry, the handler, the author of a submission.
    """

    unit_id: int | None = None
    county_id: int | None = None
    person_id: int | None = None


HOUSE: Final = Target()
"""The installation as a whole."""


class Reach(Noun, frozen=True, kw_only=True):
    """How far a principal's right to one action goes; empty means nowhere. The SQL predicate of lists is built from it.

    ``own``: rows whose person is the principal as well. ``not_own``: never those (a second person decides).
    """

    all: bool = False
    county_ids: frozenset[int] = frozenset()
    unit_ids: frozenset[int] = frozenset()
    own: bool = False
    not_own: bool = False
    alike: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        """Whether anything at all is within reach."""
        return self.all or self.own or bool(self.county_ids or self.unit_ids)

    def covers(self, target: Target, person_id: int) -> bool:
        """Whether ``target`` is within reach of the principal with ``person_id``."""
        mine = target.person_id == person_id
        if self.not_own and (mine or target.person_id is None or target.person_id in self.alike):
            # An unknown author could be the decider himself: without a name there is no second person. An agent and whoever
            # the agent stands for are one.
            return False
        return self.places(target) or (self.own and mine)

    def places(self, target: Target) -> bool:
        """Whether the place of ``target`` is within reach, whoever's matter it is."""
        return self.all or target.unit_id in self.unit_ids or target.county_id in self.county_ids


class Clause(Noun, frozen=True, kw_only=True):
    """Some roles and how far each carries."""

    roles: frozenset[Role]
    within: Within


class Action(Noun, frozen=True, kw_only=True):
    """One right: its Chinese name and who has it. ``second_person``: never on one's own matter (ASVS 2.3.5).

    ``by_key``: a key of another system may be given it; signing, deciding and administering stay with persons.
    """

    zh: str
    clauses: tuple[Clause, ...]
    second_person: bool = False
    by_key: bool = False


SEPARATED: Final[frozenset[Role]] = frozenset({"administrator", "security", "auditor"})
"""系统、安全、审计管理员: no person may hold two of them (GB/T 22239, 安全管理中心)."""

ANYONE: Final[frozenset[Role]] = frozenset(get_args(Role))
_OFFICE = ANYONE - SEPARATED
_CLERK: Final[frozenset[Role]] = frozenset({"clerk"})
_SENDERS: Final[frozenset[Role]] = frozenset({"clerk", "organiser"})
_LEADERS: Final[frozenset[Role]] = frozenset(role for role in ANYONE if role in LEADER_ROLES)
_READERS = _SENDERS | _LEADERS
_APPROVER: Final[frozenset[Role]] = frozenset({"approver"})
_SUPERVISOR: Final[frozenset[Role]] = frozenset({"supervisor"})
_ADMIN: Final[frozenset[Role]] = frozenset({"administrator"})
_SECURITY: Final[frozenset[Role]] = frozenset({"security"})
_AUDITOR: Final[frozenset[Role]] = frozenset({"auditor"})


def _may(roles: frozenset[Role], within: Within) -> Clause:
    return Clause(roles=roles, within=within)


ACTIONS: Final[dict[str, Action]] = {
    # The organisation: office roles use the whole address book to send, administrators see their own part of it (F32).
    "org.read": Action(
        zh="查看组织机构",
        clauses=(_may(_OFFICE, "everywhere"), _may(_ADMIN | _SECURITY, "scope")),
        by_key=True,
    ),
    "org.people": Action(
        zh="查看人员名单",
        clauses=(_may(_READERS, "unit"), _may(_ADMIN | _SECURITY, "scope")),
    ),
    "org.phones": Action(zh="查看完整手机号码", clauses=(_may(_CLERK, "unit"), _may(_ADMIN, "scope"))),
    # Number hygiene and the switch-off of a county's messages: the county applies, the city decides (F19, P66).
    "phones.manage": Action(zh="核对手机号码", clauses=(_may(_CLERK, "unit"), _may(_ADMIN, "scope"))),
    "sms_switch.read": Action(zh="查看短信开关", clauses=(_may(_ADMIN | _APPROVER | _SUPERVISOR, "scope"),)),
    "sms_switch.apply": Action(zh="申请开关短信", clauses=(_may(_ADMIN, "scope"),)),
    "sms_switch.decide": Action(zh="审批短信开关", clauses=(_may(_APPROVER, "city"),), second_person=True),
    "org.import": Action(zh="导入组织机构", clauses=(_may(_ADMIN, "scope"),)),
    "org.template": Action(zh="下载导入模板", clauses=(_may(_ADMIN, "everywhere"),)),
    # Accounts: the administrator keeps them, the security administrator locks, revokes and issues keys.
    "account.self": Action(zh="管理本人帐户", clauses=(_may(ANYONE, "own"),)),
    "account.list": Action(zh="查看帐户", clauses=(_may(_ADMIN | _SECURITY, "scope"),)),
    "account.freeze": Action(zh="冻结或解冻帐户", clauses=(_may(_ADMIN, "scope"),)),
    "account.close": Action(zh="注销帐户", clauses=(_may(_ADMIN, "scope"),)),
    "account.activation_codes": Action(zh="发放激活码", clauses=(_may(_ADMIN, "scope"),)),
    "account.unlock": Action(zh="解除登录锁定", clauses=(_may(_SECURITY, "scope"),)),
    "account.revoke": Action(zh="吊销登录会话", clauses=(_may(_SECURITY, "scope"),)),
    "account.api_key": Action(zh="管理接口密钥", clauses=(_may(_SECURITY, "scope"),)),
    "live.connect": Action(zh="接收实时消息", clauses=(_may(ANYONE, "own"),)),
    # Sending: in the name of one's own unit only.
    "dispatch.preview": Action(zh="预览发文范围", clauses=(_may(_SENDERS, "unit"),), by_key=True),
    "dispatch.submit": Action(zh="发文", clauses=(_may(_SENDERS, "unit"),), by_key=True),
    "dispatch.supplement": Action(zh="补发", clauses=(_may(_SENDERS, "unit"),), by_key=True),
    "dispatch.read": Action(
        zh="查看发文进度",
        clauses=(_may(_READERS, "unit"), _may(_APPROVER | _SUPERVISOR, "scope"), _may(_OFFICE, "own")),
        by_key=True,
    ),
    "dispatch.review": Action(zh="查看待批普发", clauses=(_may(_APPROVER, "scope"),)),
    "dispatch.approve": Action(zh="审批普发", clauses=(_may(_APPROVER, "scope"),), second_person=True),
    # Urging: the sender its own documents, a supervisor the units within the scope; which of both, the flow tells (C4).
    "document.urge": Action(zh="催办", clauses=(_may(_SENDERS, "unit"), _may(_SUPERVISOR, "scope"))),
    "lights.read": Action(
        zh="查看红黄灯", clauses=(_may(_SUPERVISOR | _LEADERS, "scope"), _may(_CLERK, "unit"))
    ),
    "lights.instruct": Action(zh="督办", clauses=(_may(_SUPERVISOR, "scope"),)),
    "supervising.read": Action(zh="查看督查单位", clauses=(_may(_SUPERVISOR | _ADMIN, "scope"),)),
    "supervising.set": Action(zh="指定督查单位", clauses=(_may(_ADMIN, "city"),)),
    # Agents: for oneself, or by the administrator for the absent; requests: one's own, and those before one.
    "delegation.read": Action(
        zh="查看代理", clauses=(_may(_OFFICE, "own"), _may(_ADMIN | _SECURITY, "scope"))
    ),
    "delegation.set": Action(zh="设定代理", clauses=(_may(_OFFICE, "own"), _may(_ADMIN, "scope"))),
    "request.file": Action(zh="提交申请", clauses=(_may(_OFFICE, "own"),)),
    "request.decide": Action(zh="审批申请", clauses=(_may(_LEADERS, "unit"),), second_person=True),
    "reach.read": Action(zh="查看触达情况", clauses=(_may(_CLERK, "unit"), _may(_ADMIN, "scope"))),
    "document.recall": Action(zh="撤回文件", clauses=(_may(_SENDERS, "unit"),), by_key=True),
    # Receiving: the unit acts through its clerks; a handler acts on what was assigned to him.
    "document.read": Action(
        zh="阅读文件", clauses=(_may(_READERS, "unit"), _may(ANYONE, "own")), by_key=True
    ),
    "document.open": Action(zh="打开文件", clauses=(_may(_READERS, "unit"), _may(ANYONE, "own"))),
    "document.sign": Action(zh="签收文件", clauses=(_may(_CLERK, "unit"),)),
    "document.return": Action(zh="退回文件", clauses=(_may(_CLERK, "unit"),)),
    # The present handler may pass it on: who that is, the fact itself checks.
    "document.transfer": Action(
        zh="转内部办理", clauses=(_may(_CLERK | _LEADERS, "unit"), _may(_OFFICE, "own"))
    ),
    "document.opinion": Action(
        zh="签署办理意见", clauses=(_may(_CLERK | _LEADERS, "unit"), _may(_OFFICE, "own"))
    ),
    "document.finish": Action(zh="办结文件", clauses=(_may(_CLERK, "unit"), _may(_OFFICE, "own"))),
    "document.archive": Action(zh="归档文件", clauses=(_may(_CLERK, "unit"),)),
    "inbox.read": Action(zh="查看收件箱", clauses=(_may(ANYONE, "own"),)),
    # Meetings: the asked unit answers, the asking unit collects.
    "meeting.answer": Action(zh="报送会议回执", clauses=(_may(_CLERK, "unit"),)),
    "meeting.personal": Action(zh="本人参会答复", clauses=(_may(_OFFICE, "own"),)),
    "meeting.roster": Action(zh="查看参会名单", clauses=(_may(_SENDERS, "unit"),), by_key=True),
    "meeting.check_in": Action(zh="会议签到", clauses=(_may(_SENDERS, "unit"),), by_key=True),
    # Replies to a document's messages are read by right to its roster; these answer nothing we asked.
    "sms.read": Action(zh="查看未对应的短信回复", clauses=(_may(_ADMIN, "city"),)),
    # Figures, trace and upkeep.
    "rates.read": Action(
        zh="查看统计",
        clauses=(_may(_SUPERVISOR | _LEADERS, "scope"), _may(_CLERK, "unit")),
        by_key=True,
    ),
    "rates.recount": Action(zh="核对统计", clauses=(_may(_ADMIN | _SUPERVISOR, "city"),)),
    "figures.public_keys": Action(zh="查看回执公钥", clauses=(_may(ANYONE, "everywhere"),), by_key=True),
    "metrics.read": Action(zh="查看运行指标", clauses=(_may(_ADMIN | _SUPERVISOR, "city"),), by_key=True),
    "audit.read": Action(zh="查看审计记录", clauses=(_may(_AUDITOR, "scope"),)),
    "audit.verify": Action(zh="校验审计链", clauses=(_may(_AUDITOR, "everywhere"),)),
    "settings.read": Action(zh="查看系统设置", clauses=(_may(_ADMIN | _SECURITY, "city"),)),
    "scopes.manage": Action(zh="管理发文范围", clauses=(_may(_SENDERS, "unit"), _may(_ADMIN, "scope"))),
    "exemptions.manage": Action(zh="管理豁免登记", clauses=(_may(_APPROVER, "scope"),)),
    "series.manage": Action(zh="管理简报备案", clauses=(_may(_APPROVER, "scope"),)),
}

KEY_ACTIONS: Final[frozenset[str]] = frozenset(name for name, action in ACTIONS.items() if action.by_key)
"""What a key of another system may be given."""

_NOWHERE: Final = Reach()
_EVERYWHERE: Final = Reach(all=True)
_OWN: Final = Reach(own=True)


def mixed_duties(roles: Iterable[Role]) -> tuple[Role, ...]:
    """The separated roles among ``roles`` when there is more than one of them, else nothing."""
    held = sorted(SEPARATED.intersection(roles))
    return tuple(held) if len(held) > 1 else ()


def _valid_grants(principal: Principal) -> Iterable[Grant]:
    """The grants that count: of separated duties held together, none does, until the appointments are mended."""
    void = mixed_duties(grant.role for grant in principal.grants)
    return (grant for grant in principal.grants if grant.role not in void)


def _given(grant: Grant, within: Within) -> Reach:
    """What one grant gives under a clause that carries ``within``."""
    if within == "everywhere":
        return _EVERYWHERE
    if within == "own":
        return _OWN
    if within == "unit" or (within == "scope" and grant.scope == "unit"):
        return Reach(unit_ids=frozenset({grant.unit_id}))
    if grant.scope == "city":
        return _EVERYWHERE
    if within == "scope" and grant.scope == "county" and grant.county_id:
        return Reach(county_ids=frozenset({grant.county_id}))
    return _NOWHERE


def _named(principal: Principal, action: str) -> Action | None:
    """The action when the principal may hold it at all: known, and for a key both givable and given."""
    told = ACTIONS.get(action)
    if told is None or (principal.actions is not None and action not in principal.actions):
        return None
    if principal.kind == "api_key" and (principal.actions is None or not told.by_key):
        return None
    return told


def reach(principal: Principal, action: str) -> Reach:
    """Everything ``principal`` may do ``action`` to; empty when there is nothing (unknown actions included)."""
    told = _named(principal, action)
    if told is None:
        return _NOWHERE
    parts = [
        _given(grant, clause.within)
        for grant in _valid_grants(principal)
        for clause in told.clauses
        if grant.role in clause.roles
    ]
    return Reach(
        all=any(part.all for part in parts),
        county_ids=frozenset().union(*(part.county_ids for part in parts)),
        unit_ids=frozenset().union(*(part.unit_ids for part in parts)),
        # A key is nobody's inbox: what is a person's own stays with the person.
        own=principal.kind == "person" and any(part.own for part in parts),
        not_own=told.second_person,
        alike=principal.alike,
    )


def permit(principal: Principal, action: str, target: Target) -> bool:
    """Whether ``principal`` may do ``action`` to ``target``. Denies what is not in ACTIONS."""
    return reach(principal, action).covers(target, principal.person_id)


def permit_any(principal: Principal, action: str, targets: Iterable[Target]) -> bool:
    """Whether one of ``targets`` is permitted: a document is read by its sender's unit or by any addressed unit."""
    reached = reach(principal, action)
    return any(reached.covers(target, principal.person_id) for target in targets)


class Verdict(Noun, frozen=True, kw_only=True):
    """The answer with its reason; ``zh`` can be shown to the person."""

    allowed: bool
    code: Literal[
        "granted",
        "unknown_action",
        "not_for_keys",
        "duties_mixed",
        "no_role",
        "own_submission",
        "out_of_scope",
    ]
    zh: str


def explain(principal: Principal, action: str, target: Target) -> Verdict:
    """Why ``permit`` answers as it does: for the refusal's detail and for the operator's question."""
    told = ACTIONS.get(action)
    if told is None:
        return Verdict(allowed=False, code="unknown_action", zh=f"没有名为 {action} 的权限")
    if _named(principal, action) is None:
        return Verdict(allowed=False, code="not_for_keys", zh=f"该密钥未获准“{told.zh}”")
    reached = reach(principal, action)
    if reached.covers(target, principal.person_id):
        return Verdict(allowed=True, code="granted", zh=f"已获准“{told.zh}”")
    if reached.not_own and reached.places(target):
        return Verdict(allowed=False, code="own_submission", zh=f"“{told.zh}”须由提交人以外的人办理")
    if reached:
        return Verdict(allowed=False, code="out_of_scope", zh=f"对象不在您的“{told.zh}”范围内")
    return _without_role(principal, told)


def _without_role(principal: Principal, told: Action) -> Verdict:
    void = mixed_duties(grant.role for grant in principal.grants)
    if any(clause.roles.intersection(void) for clause in told.clauses):
        held = "、".join(ROLE_ZH[role] for role in void)
        return Verdict(allowed=False, code="duties_mixed", zh=f"{held}不得由一人兼任, 请先调整任职")
    needed = ";".join(
        f"{'、'.join(sorted(ROLE_ZH[role] for role in clause.roles))}({_WITHIN_ZH[clause.within]})"
        for clause in told.clauses
    )
    return Verdict(allowed=False, code="no_role", zh=f"“{told.zh}”需要: {needed}")
