"""JSON in and out: strict where it comes in, plain where it goes out. Pure.

What a route's body type does not promise is refused with a JSON pointer (RFC 6901) to the place: unknown fields,
integers beyond 2^53 - 1 (no other program could read them back), NUL characters (PostgreSQL cannot hold them), deep
nesting. Times are ISO 8601 with an offset; answers show Asia/Shanghai (+08:00).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta

from gateway.doors.faults_zh import escaped, fault_of
from gateway.doors.problems import Fault
from inbox_store.errors import Refused
from inbox_store.times import moment

T = TypeVar("T")
Q = TypeVar("Q", bound=msgspec.Struct)

INT_MAX: Final = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly (RFC 8259, section 6)."""

DEPTH_MAX: Final = 32
_SUSPECT = re.compile(rb"\\u0000|[0-9]{16}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of everything that comes in: unknown fields are faults, so that a misspelt option never passes silently."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Base of everything that goes out."""


Id = Annotated[int, Meta(ge=1, le=INT_MAX, description="编号")]
When = Annotated[datetime, Meta(tz=True, description="时刻，ISO 8601，带时区偏移")]


def instant(when: datetime) -> int:
    """UTC microseconds of an aware time that came in."""
    return (when - _EPOCH) // timedelta(microseconds=1)


def shown(at: int) -> datetime:
    """An instant (UTC microseconds) as answers show it: aware, +08:00."""
    return moment(at)


def encode(answer: object) -> bytes:
    """``answer`` as JSON in UTF-8."""
    return msgspec.json.encode(answer)


def canonical(raw: bytes) -> bytes:
    """One form for all spellings of the same JSON: keys sorted, no blanks. ``raw`` must have passed ``decode_body``.

    Made from what was sent and not from the typed body, so that a retry after an upgrade still finds its key.
    """
    return msgspec.json.encode(msgspec.json.decode(raw), order="deterministic")


_DECODERS: Final[dict[object, msgspec.json.Decoder[Any]]] = {}


def _decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    """The decoder of ``kind``, made once: making one costs more than using it."""
    known = _DECODERS.get(kind)
    if known is None:
        known = _DECODERS[kind] = msgspec.json.Decoder(kind)
    return known


def decode_body(raw: bytes, kind: type[T]) -> T:
    """The body ``kind`` in ``raw``. Raises Refused("body_invalid", errors=[Fault]), never anything else."""
    if not raw.strip():
        raise _invalid("body_invalid", Fault(pointer="", reason="缺少请求内容"))
    try:
        body = _decoder(kind).decode(raw)
        odd = _odd_place(msgspec.json.decode(raw)) if _suspect(raw) else None
    except msgspec.ValidationError as fault:
        raise _invalid("body_invalid", fault_of(str(fault))) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise _invalid(
            "body_invalid", Fault(pointer="", reason=f"不是合法的 JSON（UTF-8）：{fault}")
        ) from None
    except RecursionError:
        raise _invalid("body_invalid", _too_deep("")) from None
    if odd:
        raise _invalid("body_invalid", odd)
    return body


def decode_query(pairs: Iterable[tuple[str, str]], kind: type[Q]) -> Q:
    """The query ``kind`` from decoded ``name=value`` pairs. Raises Refused("query_invalid", errors=[Fault])."""
    given: dict[str, Any] = {}
    lists = list_fields(kind)
    for name, value in pairs:
        if not _is_unicode(name + value):
            raise _invalid("query_invalid", Fault(pointer="", reason="参数中含有不合法的字符"))
        if name in lists:
            given.setdefault(name, []).append(value)
        elif name in given:
            raise _invalid("query_invalid", Fault(pointer=escaped(name), reason="参数重复"))
        else:
            given[name] = value
    try:
        query = msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as fault:
        raise _invalid("query_invalid", fault_of(str(fault))) from None
    odd = _odd_place(msgspec.to_builtins(query))
    if odd:
        raise _invalid("query_invalid", odd)
    return query


def _is_unicode(text: str) -> bool:
    """Whether UTF-8 can hold the text: bytes of a request line that are no UTF-8 come in as lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@cache
def list_fields(kind: type[msgspec.Struct]) -> frozenset[str]:
    """The names of ``kind`` that may be given several times in a query (``unit=1&unit=2``)."""
    return frozenset(
        part.encode_name
        for part in msgspec.structs.fields(kind)
        if _is_list(msgspec.inspect.type_info(part.type))
    )


def _is_list(kind: msgspec.inspect.Type) -> bool:
    match kind:
        case msgspec.inspect.UnionType(types):
            return any(map(_is_list, types))
        case msgspec.inspect.Metadata(inner):
            return _is_list(inner)
        case msgspec.inspect.CollectionType() | msgspec.inspect.VarTupleType():
            return True
        case _:
            return False


_NUL: Final = "文字中含有不允许的空字符（U+0000）"


def _suspect(raw: bytes) -> bool:
    """Whether ``raw`` could hold what no type forbids: a cheap look that spares ordinary bodies the walk."""
    return _SUSPECT.search(raw) is not None or raw.count(b"{") + raw.count(b"[") > DEPTH_MAX


def _invalid(code: str, fault: Fault) -> Refused:
    return Refused(code, errors=[fault])


def _too_deep(pointer: str) -> Fault:
    return Fault(pointer=pointer, reason=f"嵌套过深，最多 {DEPTH_MAX} 层")


def _odd_place(value: object) -> Fault | None:
    return next(_odd(value, "", 0), None)


def _odd(value: object, pointer: str, depth: int) -> Iterator[Fault]:
    """The places in decoded JSON which no type forbids and no store can hold."""
    if depth > DEPTH_MAX:
        yield _too_deep(pointer)
    elif isinstance(value, dict):
        for name, item in value.items():
            if "\0" in name:
                yield Fault(pointer=pointer, reason=_NUL)
            yield from _odd(item, pointer + escaped(name), depth + 1)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _odd(item, f"{pointer}/{place}", depth + 1)
    elif isinstance(value, str) and "\0" in value:
        yield Fault(pointer=pointer, reason=_NUL)
    elif isinstance(value, int) and abs(value) > INT_MAX:
        yield Fault(pointer=pointer, reason=f"整数超出范围，绝对值不得超过 {INT_MAX}")
