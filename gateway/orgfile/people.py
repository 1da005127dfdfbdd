"""People and the posts they hold, against each other, the units and the store. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from datetime import date
from typing import Final

from gateway.orgfile.entries import Entries, PostEntry
from gateway.orgfile.faults import Place
from gateway.orgfile.findings import Findings
from gateway.orgfile.known import Known
from gateway.orgfile.relations import ROWS_TOLD_MAX, groups, rows_besides
from gateway.orgfile.words import ROLES_ZH
from inbox_store.nouns import RegionLevel, Role

WIDE_ROLES: Final[frozenset[Role]] = frozenset(
    {"organiser", "approver", "supervisor", "finance", "administrator", "security", "auditor"}
)
"""Roles that may reach beyond their own unit."""

SEPARATED_ROLES: Final[frozenset[Role]] = frozenset({"administrator", "security", "auditor"})
"""The three administrators that are never one person (三员分立, security.md 14)."""

POSTS_COMPARED_MAX: Final = 64
"""Posts of one person compared one by one."""


def _place(entry: PostEntry, header: str) -> Place:
    return Place("人员", entry.row, header)


def check_people(
    entries: Entries,
    known: Known,
    levels: Mapping[str, RegionLevel],
    unasked: frozenset[str],
    findings: Findings,
) -> None:
    """Tell every fault of people and posts; ``levels`` are those of all regions, tables in ``unasked`` are not asked."""
    _references(entries, known, unasked, findings)
    unit_levels = _unit_levels(entries, known, levels)
    for entry in entries.posts:
        _post(entry, unit_levels.get(entry.unit_code), findings)
    _same_person(entries.posts, findings)
    _unique(entries.posts, known, findings)
    _posts_once(entries.posts, findings)
    _ranks(entries.posts, known, findings)
    _separation(entries.posts, known, findings)
    if "人员" not in unasked:
        _clerkless(entries, known, findings)


def _unit_levels(
    entries: Entries, known: Known, levels: Mapping[str, RegionLevel]
) -> dict[str, RegionLevel | None]:
    told = {code: levels.get(region) for code, region in known.units.items()}
    return {**told, **{entry.code: levels.get(entry.region_code) for entry in entries.units if entry.code}}


def _references(entries: Entries, known: Known, unasked: frozenset[str], findings: Findings) -> None:
    units = {entry.code for entry in entries.units} | known.units.keys()
    sections = {(entry.unit_code, entry.code) for entry in entries.sections} | known.sections
    for entry in entries.posts:
        code, section = entry.unit_code, entry.section_code
        if code and code not in units and "单位" not in unasked:
            findings.tell(
                "unit_unknown",
                _place(entry, "单位编码"),
                code,
                nearest=findings.nearest("单位编码", code, units),
            )
        elif code and section and (code, section) not in sections and "科室" not in unasked:
            findings.tell("section_unknown", _place(entry, "科室编码"), section)


def _post(entry: PostEntry, level: RegionLevel | None, findings: Findings) -> None:
    """The faults of one row by itself."""
    if entry.from_day and entry.to_day and entry.to_day < entry.from_day:
        findings.tell("days_reversed", _place(entry, "任职止"), entry.to_day.isoformat())
    if entry.role == "clerk" and entry.rank is None and not findings.bad("人员", entry.row):
        findings.tell("rank_missing", _place(entry, "收发员序位"))
    if entry.role not in ("clerk", None) and entry.rank is not None:
        findings.tell("rank_needless", _place(entry, "收发员序位"), entry.rank)
    if entry.scope in ("county", "city"):
        _scope(entry, level, findings)


def _scope(entry: PostEntry, level: RegionLevel | None, findings: Findings) -> None:
    place = _place(entry, "管理范围")
    if entry.role is not None and entry.role not in WIDE_ROLES:
        findings.tell("scope_role", place, entry.scope or "", role=ROLES_ZH[entry.role])
    elif level is not None and entry.scope == "city" and level != "city":
        findings.tell("scope_city", place, entry.unit_code)
    elif level == "city" and entry.scope == "county":
        findings.tell("scope_county", place, entry.unit_code)


def _same_person(posts: Sequence[PostEntry], findings: Findings) -> None:
    """Rows of one person code must tell one name, one phone number and one login (blank repeats nothing)."""
    for group in groups(posts, lambda entry: entry.code):
        for header, told in (
            ("姓名", [(entry, entry.name) for entry in group]),
            ("手机号", [(entry, entry.phone) for entry in group]),
            ("登录名", [(entry, entry.login.lower()) for entry in group]),
        ):
            filled = [(entry, text) for entry, text in told if text]
            differing = [(entry, text) for entry, text in filled if text != filled[0][1]]
            for entry, text in differing:
                findings.tell(
                    "person_differs", _place(entry, header), text, what=header, rows=filled[0][0].row
                )


def _unique(posts: Sequence[PostEntry], known: Known, findings: Findings) -> None:
    phones = groups(posts, lambda entry: entry.phone)
    logins = groups(posts, lambda entry: entry.login.lower())
    for header, code, found in (("手机号", "phone_twice", phones), ("登录名", "login_twice", logins)):
        for group in found:
            _tell_shared(header, code, group, findings)
    for entry in posts if known.logins else ():
        owner = known.logins.get(entry.login.lower(), entry.code)
        if entry.login and owner != entry.code:
            findings.tell("login_taken", _place(entry, "登录名"), entry.login, owner=owner)


def _tell_shared(header: str, code: str, group: list[PostEntry], findings: Findings) -> None:
    """Tell every row of a number or login that several people claim, with the first rows of the others."""
    first = {entry.code: entry for entry in reversed(group)}
    if len(first) == 1:
        return
    named = sorted(first.values(), key=lambda entry: entry.row)[: ROWS_TOLD_MAX + 2]
    for entry in group:
        others = [other for other in named if other.code != entry.code]
        value = entry.phone if header == "手机号" else entry.login
        findings.tell(code, _place(entry, header), value, rows=rows_besides(entry, [entry, *others]))


def _overlap(one: PostEntry, other: PostEntry) -> bool:
    return (one.from_day or date.min) <= (other.to_day or date.max) and (other.from_day or date.min) <= (
        one.to_day or date.max
    )


def _clashes(group: list[PostEntry]) -> Iterator[tuple[PostEntry, list[PostEntry]]]:
    """Each entry whose term overlaps others of its group, with the neighbours in time that show it.

    Sorted by start, an entry overlaps an earlier one exactly when it begins before the latest end so far: one pass,
    so that a hundred thousand equal rows cost no more than their sorting.
    """
    ordered = sorted(group, key=lambda entry: (entry.from_day or date.min, entry.row))
    clashing: dict[int, list[PostEntry]] = {}
    latest = ordered[0]
    for entry in ordered[1:]:
        if _overlap(latest, entry):
            clashing.setdefault(latest.row, [latest]).append(entry)
            clashing.setdefault(entry.row, [entry]).append(latest)
        if (entry.to_day or date.max) > (latest.to_day or date.max):
            latest = entry
    return ((found[0], found[1:]) for found in clashing.values())


def _posts_once(posts: Sequence[PostEntry], findings: Findings) -> None:
    def key(entry: PostEntry) -> Hashable:
        whole = entry.code and entry.unit_code and entry.role
        return (entry.code, entry.unit_code, entry.role) if whole else None

    for group in groups(posts, key):
        for entry, others in _clashes(group):
            findings.tell(
                "post_twice", _place(entry, "角色"), entry.code, rows=rows_besides(entry, [entry, *others])
            )


def _ranks(posts: Sequence[PostEntry], known: Known, findings: Findings) -> None:
    clerks = [entry for entry in posts if entry.role == "clerk" and entry.rank and entry.unit_code]
    for group in groups(clerks, lambda entry: (entry.unit_code, entry.rank)):
        for entry, others in _clashes(group):
            if any(other.code != entry.code for other in others):
                rows = rows_besides(entry, [entry, *others])
                findings.tell(
                    "rank_taken", _place(entry, "收发员序位"), entry.code, rank=entry.rank, rows=rows
                )
    told = {(entry.unit_code, entry.code) for entry in clerks}
    for entry in clerks if known.clerks else ():
        owner = entry.rank and known.clerks.get((entry.unit_code, entry.rank))
        if owner and owner != entry.code and (entry.unit_code, owner) not in told:
            findings.tell("rank_held", _place(entry, "收发员序位"), entry.code, rank=entry.rank, owner=owner)


def _separation(posts: Sequence[PostEntry], known: Known, findings: Findings) -> None:
    held = [entry for entry in posts if entry.role in SEPARATED_ROLES and entry.code]
    for group in groups(held, lambda entry: entry.code):
        if len({entry.role for entry in group}) > 1:
            _joined(group, findings)
    told = {(entry.code, entry.role) for entry in held}
    for entry in held if known.separated else ():
        stored = known.separated.get(entry.code, frozenset()) - {entry.role}
        for role in sorted(role for role in stored if (entry.code, role) not in told):
            findings.tell("roles_joined", _place(entry, "角色"), entry.code, other=ROLES_ZH[role], rows="")


def _joined(group: list[PostEntry], findings: Findings) -> None:
    """Tell the entries of one person whose term overlaps another separated role (in a flood of rows: all of them)."""
    flood = len(group) > POSTS_COMPARED_MAX
    for entry in group:
        others = (other for other in group if other.role != entry.role)
        other = next((other for other in others if flood or _overlap(entry, other)), None)
        if other is not None and other.role is not None:
            place, rows = _place(entry, "角色"), f"（第 {other.row} 行）"
            findings.tell("roles_joined", place, entry.code, other=ROLES_ZH[other.role], rows=rows)


def _clerkless(entries: Entries, known: Known, findings: Findings) -> None:
    served = {entry.unit_code for entry in entries.posts if entry.role == "clerk"}
    served |= {unit for unit, _ in known.clerks}
    for entry in entries.units:
        if entry.code and entry.code not in served:
            findings.tell("unit_no_clerk", Place("单位", entry.row, "单位编码"), entry.code)
