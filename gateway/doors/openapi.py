"""The description of the doors for programs: OpenAPI 3.1, made from the route table. Pure.

The same table gives the same bytes; nothing is described by hand, so nothing can be forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from gateway.doors.problems import CATALOGUE, MEDIA_TYPE, Entry, Problem
from gateway.doors.routes import PUBLIC, Raw, Route
from gateway.doors.wire import INT_MAX

Json = dict[str, Any]

TITLE: Final = "Songda 送达 HTTP API"
VERSION: Final = "1"
_REF: Final = "#/components/schemas/{name}"
_JSON: Final = "application/json"
_HTML: Final = "text/html"
_ABOUT: Final = (
    "政务公文与会议通知的发送、签收和统计。\n\n"
    "- 写入请求须带 `Idempotency-Key`：同一个键和同样的内容得到同样的答复，可放心重试，保留 7 天。\n"
    "- 错误以 RFC 9457 的 `application/problem+json` 答复，`code` 供程序判断，`detail` 说明如何改正。\n"
    "- 时刻为 ISO 8601，答复一律带 +08:00；编号为整数。\n"
    "- 列表用 `cursor` 翻页：把上一页的 `next` 原样带回。\n"
    "- 请求头 `X-Device` 可注明设备名称，签收回执会记下；不带时取 `User-Agent`。"
)
_SECURITY: Final[Json] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "登录所得的访问令牌",
    },
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "其他系统的接口密钥"},
}
_KEY_PARAMETER: Final[Json] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "本次操作的键，8 至 128 个可见 ASCII 字符；重试时用同一个键",
    "schema": {"type": "string", "pattern": "^[!-~]{8,128}$"},
    "example": "b3f1c2d4-0001",
}
_REPLAYED: Final[Json] = {
    "Idempotency-Replayed": {
        "description": "为 true 时是先前同一请求的答复",
        "schema": {"type": "string", "enum": ["true"]},
    }
}


def document(routes: Iterable[Route]) -> Json:
    """The OpenAPI 3.1 document of ``routes``."""
    listed = tuple(routes)
    kinds = _kinds(listed)
    refs, components = msgspec.json.schema_components(kinds, ref_template=_REF)
    schemas = dict(zip(map(repr, kinds), refs, strict=True))
    paths: dict[str, Json] = {}
    for route in listed:
        paths.setdefault(route.pattern, {})[route.method.lower()] = _operation(route, schemas, components)
    told = {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": VERSION, "description": _ABOUT, "license": _LICENCE},
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in sorted({tag for route in listed for tag in route.tags})],
        "paths": paths,
        "components": {
            "securitySchemes": _SECURITY,
            "schemas": {name: bounded(components[name]) for name in sorted(components)},
        },
    }
    # Through JSON and back: defaults and examples arrive as tuples and dates, a document holds lists and texts.
    plain: Json = msgspec.json.decode(msgspec.json.encode(told))
    return plain


_LICENCE: Final = {"name": "Apache-2.0", "identifier": "Apache-2.0"}


def _kinds(routes: tuple[Route, ...]) -> list[Any]:
    """Every type that routes take or give, once, in a fixed order."""
    kinds: dict[str, Any] = {repr(Problem): Problem}
    for route in routes:
        for kind in (route.body, route.query, route.answer, *(kind for _, kind in route.also)):
            if kind is not None and not isinstance(kind, Raw):
                kinds[repr(kind)] = kind
    return [kinds[name] for name in sorted(kinds)]


def bounded(schema: Any) -> Any:  # noqa: ANN401 - JSON Schema is a tree of anything
    """``schema`` with the bounds that the door itself keeps: no integer beyond 2^53 - 1."""
    if isinstance(schema, list):
        return [bounded(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    whole = {name: bounded(item) for name, item in schema.items()}
    if whole.get("type") == "integer":
        whole.setdefault("minimum", -INT_MAX)
        whole.setdefault("maximum", INT_MAX)
    return whole


def _operation(route: Route, schemas: Mapping[str, Json], components: Mapping[str, Json]) -> Json:
    operation: Json = {
        "operationId": route.name,
        "summary": route.zh,
        "description": route.en,
        "tags": list(route.tags),
        "x-access": route.access,
        "security": _security(route),
        "parameters": _parameters(route, schemas, components),
        "responses": _responses(route, schemas),
    }
    if route.body is not None:
        content = {"schema": schemas[repr(route.body)], "example": route.example}
        operation["requestBody"] = {"required": True, "content": {_JSON: content}}
    if route.raw:
        operation["requestBody"] = {"required": True, "content": {route.raw: {"schema": {"type": "string"}}}}
    if route.stream:
        binary = {"schema": {"type": "string", "format": "binary"}}
        operation["requestBody"] = {"required": True, "content": {"application/octet-stream": binary}}
    return operation


def _security(route: Route) -> list[Json]:
    if route.access == PUBLIC:
        return []
    known: list[Json] = [{"bearer": []}, {"apiKey": []}]
    return [*known, {}] if route.local else known


def _parameters(route: Route, schemas: Mapping[str, Json], components: Mapping[str, Json]) -> list[Json]:
    given = [_path_parameter(name, is_id=is_id) for name, is_id in route.places.items()]
    if route.query is not None:
        given += _query_parameters(components[schemas[repr(route.query)]["$ref"].rpartition("/")[2]])
    if route.asks_key:
        given.append(_KEY_PARAMETER)
    return given


def _path_parameter(name: str, *, is_id: bool) -> Json:
    schema: Json = (
        {"type": "integer", "minimum": 1, "maximum": INT_MAX}
        if is_id
        else {"type": "string", "minLength": 1, "maxLength": 200}
    )
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(struct: Json) -> list[Json]:
    required = struct.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": bounded(_in_query(schema))}
        for name, schema in struct["properties"].items()
    ]


def _in_query(schema: Json) -> Json:
    """A query has no null: a parameter that may be absent is described as it is when present."""
    options = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    if len(options) != 1:
        return schema
    rest = {name: part for name, part in schema.items() if name not in ("anyOf", "default")}
    return {**options[0], **rest}


def _responses(route: Route, schemas: Mapping[str, Json]) -> Json:
    answers: Json = {str(route.status): _success(route, schemas)}
    for status, kind in route.also:
        answers[str(status)] = {"description": route.zh, "content": {_JSON: {"schema": schemas[repr(kind)]}}}
    for status, entries in _problems(route).items():
        known = answers.setdefault(str(status), _problem_response(entries))
        known["content"] = {**known.get("content", {}), **_problem_content()}
        if route.page is not None:
            known["content"][_HTML] = {}
    answers["default"] = {"description": "其他错误", "content": _problem_content()}
    if route.page is not None:
        answers["default"]["content"][_HTML] = {}
    return answers


def _success(route: Route, schemas: Mapping[str, Json]) -> Json:
    answer: Json = {"description": route.zh}
    if isinstance(route.answer, Raw):
        answer["content"] = {kind: {} for kind in route.answer.media_types}
    elif route.answer is not None:
        content: Json = {"schema": schemas[repr(route.answer)]}
        if route.answer_example is not None:
            content["example"] = route.answer_example
        answer["content"] = {_JSON: content}
    if route.asks_key:
        answer["headers"] = _REPLAYED
    return answer


def codes_of(route: Route) -> tuple[str, ...]:
    """The problems which a call of ``route`` may meet: the door's own, then the route's."""
    codes = ["bad_request"]
    if route.access != PUBLIC:
        codes += ["unauthenticated", "credentials_mixed", "token_invalid", "token_revoked", "forbidden"]
    if route.query is not None:
        codes.append("query_invalid")
    if route.places:
        codes.append("not_found")
    if route.raw:
        codes += ["body_too_large", "unsupported_media", "request_timeout"]
    if route.calls_per_minute or route.failures_per_minute:
        codes.append("throttled")
    if route.body is not None or route.stream:
        codes += ["body_invalid", "body_too_large", "unsupported_media", "request_timeout"]
    if route.asks_key:
        codes += ["idempotency_required", "idempotency_invalid", "idempotency_mismatch"]
    codes += [*route.errors, "internal", "busy", "timed_out"]
    return tuple(dict.fromkeys(codes))


def _problems(route: Route) -> dict[int, list[Entry]]:
    found: dict[int, list[Entry]] = {}
    for code in codes_of(route):
        entry = CATALOGUE[code]
        found.setdefault(entry.status, []).append(entry)
    return dict(sorted(found.items()))


def _problem_response(entries: list[Entry]) -> Json:
    told = "；".join(f"{entry.title_zh}（{entry.code}）" for entry in entries)
    return {"description": told, "content": _problem_content()}


def _problem_content() -> Json:
    return {MEDIA_TYPE: {"schema": {"$ref": _REF.format(name="Problem")}}}
