"""Refusals as RFC 9457 problem details: what went wrong, where, and how to mend it, in Chinese and English.

A flow raises ``Refused(code, **params)``; the catalogue gives the status, both titles and the mend. Two parameters
have a meaning of their own: ``errors`` (:class:`Fault`, or ``{"field": "meeting.place", "reason": ...}``) and ``retry_after_s`` (seconds, sent as the
``Retry-After`` header). Of the others, those which the catalogue names are shown, to people in the mend and to programs
under ``params``; the rest (which check of a token failed, say) stays in the log.
"""

from __future__ import annotations

import errno
import html
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from gateway.doors.problem_table import ALSO_SHOWN, TABLE
from gateway.rules.access import ACTIONS
from inbox_store.errors import Refused, StoreBroken, StoreFull
from inbox_store.times import iso, moment

MEDIA_TYPE: Final = "application/problem+json"
VALUE_LENGTH_MAX: Final = 200
"""Characters of one parameter that an answer repeats: enough to find the place, too few to be a way of flooding."""

REASONS_MAX: Final = 5
"""Reasons that the detail repeats; ``errors`` has them all."""

_PLACE = re.compile(r"\{(\w+)\}")
_STEP = re.compile(r"[^.\[\]]+")
_FAR: Final = 253_402_214_400_000_000
"""The last day of the year 9999 in UTC microseconds: beyond it there is no calendar."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the catalogue."""

    code: str
    status: int
    title_zh: str
    title_en: str
    mend: str

    @property
    def shown(self) -> frozenset[str]:
        """The parameters that a client may see."""
        return ALSO_SHOWN.get(self.code, frozenset()).union(_PLACE.findall(self.mend))


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One place in the request that is wrong: a JSON pointer (RFC 6901) and the reason in Chinese."""

    pointer: str
    reason: str


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of every answer that is not a success (RFC 9457, with our own members after ``detail``)."""

    type: str
    title: str
    status: int
    detail: str
    title_en: str
    code: str
    request_id: str
    errors: tuple[Fault, ...] = ()
    params: dict[str, Any] = {}


CATALOGUE: Final[Mapping[str, Entry]] = {
    code: Entry(code=code, status=status, title_zh=zh, title_en=en, mend=mend)
    for code, status, zh, en, mend in TABLE
}


def entry_of(code: str) -> Entry:
    """The catalogue's line for ``code``; a code that nobody entered yet is answered as ``refused`` (422)."""
    return CATALOGUE.get(code, CATALOGUE["refused"])


def problem_of(refused: Refused, *, request_id: str, english: bool = False) -> Problem:
    """The answer to ``refused``; ``english`` switches the title only, the mend stays Chinese."""
    entry = entry_of(refused.code)
    faults = faults_of(refused.params)
    return Problem(
        type=f"/problems/{entry.code}",
        title=entry.title_en if english else entry.title_zh,
        status=entry.status,
        detail=mend_of(entry.mend, _with_reasons(refused.params, faults)),
        title_en=entry.title_en,
        code=refused.code,
        request_id=request_id,
        errors=faults,
        params=shown_params(entry, refused.params),
    )


def _with_reasons(params: Mapping[str, object], faults: tuple[Fault, ...]) -> dict[str, object]:
    reasons = tuple(dict.fromkeys(fault.reason.rstrip("。") for fault in faults))
    told = "；".join(reasons[:REASONS_MAX])
    return {**params, "reasons": told} if told else dict(params)


def mend_of(template: str, params: Mapping[str, object]) -> str:
    """``template`` with its places filled; sentences that lack a parameter are left out."""
    sentences = [part + "。" for part in template.split("。") if part]
    return "".join(_filled(part, params) for part in sentences if _fillable(part, params))


def _fillable(sentence: str, params: Mapping[str, object]) -> bool:
    return all(params.get(name) not in (None, "") for name in _PLACE.findall(sentence))


def _filled(sentence: str, params: Mapping[str, object]) -> str:
    return _PLACE.sub(lambda found: _told(found[1], params[found[1]]), sentence)


def _told(name: str, value: object) -> str:
    """A parameter as a reader sees it: instants as times, actions by their Chinese names, lists joined, all cut."""
    if isinstance(value, (list, tuple, set, frozenset)):
        value = "、".join(str(item) for item in list(value)[:20])
    elif name == "action" and value in ACTIONS:
        value = ACTIONS[str(value)].zh
    elif isinstance(value, int) and _is_instant(name, value):
        value = f"{moment(value):%Y年%m月%d日 %H:%M}"
    text = str(value)
    return text if len(text) <= VALUE_LENGTH_MAX else text[:VALUE_LENGTH_MAX] + "…"


def _is_instant(name: str, value: object) -> bool:
    """Whether a parameter is a moment by its name (``*_at``: UTC microseconds) and one that a calendar holds."""
    return name.endswith("_at") and type(value) is int and 0 <= value < _FAR


def faults_of(params: Mapping[str, object]) -> tuple[Fault, ...]:
    """The faults carried in the parameter ``errors``; anything else there is ignored."""
    given = params.get("errors")
    if not isinstance(given, (list, tuple)):
        return ()
    return tuple(fault for fault in map(_fault, given) if fault)


def _fault(item: object) -> Fault | None:
    match item:
        case Fault():
            return item
        case {"field": str(field), "reason": str(reason)}:
            return Fault(pointer="".join(f"/{step}" for step in _STEP.findall(field)), reason=reason)
        case _:
            return None


def shown_params(entry: Entry, params: Mapping[str, object]) -> dict[str, Any]:
    """The parameters that ``entry`` lets out, as JSON-able values."""
    kept = {name: value for name, value in params.items() if name in entry.shown}
    shown: dict[str, Any] = msgspec.to_builtins(kept, str_keys=True, enc_hook=str)
    return {name: iso(value) if _is_instant(name, value) else value for name, value in shown.items()}


def refused_of(fault: BaseException) -> Refused | None:
    """The refusal behind an exception which a door may meet; None where it is a bug (answered 500, logged)."""
    match fault:
        case Refused():
            return fault
        case StoreFull() | OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return Refused("storage_full")
        case StoreBroken() | OSError(errno=errno.EIO | errno.EROFS):
            return Refused("store_broken")
        case TimeoutError():
            return Refused("timed_out")
        case _:
            return None


def retry_after_s(refused: Refused) -> int | None:
    """Seconds for the Retry-After header: what the refusal says, else 1 for the refusals that pass by themselves."""
    told = refused.params.get("retry_after_s")
    if isinstance(told, int) and not isinstance(told, bool):
        return max(told, 0)
    return 1 if entry_of(refused.code).status in (429, 503) else None


def english_wanted(accept_language: str | None) -> bool:
    """Whether an Accept-Language header (RFC 9110, 12.5.4) prefers English to Chinese; Chinese wins a draw."""
    weights = {"zh": 0.0, "en": 0.0}
    for part in (accept_language or "")[:500].split(","):
        tag, _, rest = part.strip().partition(";")
        language = tag.split("-")[0].strip().lower()
        if language in weights:
            weights[language] = max(weights[language], _weight(rest))
    return weights["en"] > weights["zh"]


def _weight(parameters: str) -> float:
    found = re.fullmatch(r"\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*", parameters)
    if found:
        return float(found[1])
    return 0.0 if parameters.strip() else 1.0


def problem_page(entry: Entry) -> str:
    """The small page behind a problem's type URI: titles, status and mend, without scripts or styles."""
    rest = mend_of(entry.mend, dict.fromkeys(_PLACE.findall(entry.mend), "…"))
    title = html.escape(entry.title_zh)
    return (
        f'<!doctype html>\n<html lang="zh-CN"><head><meta charset="utf-8"><title>{title}</title></head>\n'
        f"<body><h1>{title}</h1>\n<p>{html.escape(rest)}</p>\n"
        f'<p lang="en">{html.escape(entry.title_en)}</p>\n'
        f"<p><code>{html.escape(entry.code)}</code> · HTTP {entry.status}</p></body></html>\n"
    )
