"""The description of the doors for people: docs/api.md, made from the same document that programs get.

``python -m gateway.doors.describe > docs/api.md`` writes the page anew, ``--json`` prints the OpenAPI document.
A test holds the page against the routes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any, Final

from gateway.doors.figures import DoorState
from gateway.doors.openapi import Json, document
from gateway.doors.problem_table import TABLE
from gateway.doors.routes import Route, table
from gateway.doors.system_routes import system_routes
from gateway.doors.v1 import all_routes

_HEAD: Final = (
    "<!-- made by `python -m gateway.doors.describe > docs/api.md`; do not edit -->",
    "# HTTP API",
    "",
    "Everything below comes from the route table; programs read the same at `/api/v1/openapi.json` (OpenAPI 3.1).",
    "Summaries are Chinese and English; identifiers are English.",
    "",
)


def whole_table() -> tuple[Route, ...]:
    """Every route the product serves."""
    return table(all_routes(), system_routes(DoorState()))


def page(routes: Iterable[Route]) -> str:
    """The Markdown page of ``routes``."""
    told = document(routes)
    lines = [*_HEAD, told["info"]["description"], "", *_contents(told), *_operations(told)]
    lines += [*_schemas(told["components"]["schemas"]), *_problems()]
    return "\n".join(lines).rstrip() + "\n"


def _each(told: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def _contents(told: Json) -> Iterator[str]:
    yield "## Routes · 接口一览"
    yield ""
    yield "| method | path | 说明 | meaning | access |"
    yield "|---|---|---|---|---|"
    for path, method, operation in _each(told):
        yield (
            f"| {method} | `{path}` | {operation['summary']} | {operation['description']}"
            f" | `{operation['x-access']}` |"
        )
    yield ""


def _operations(told: Json) -> Iterator[str]:
    for path, method, operation in _each(told):
        yield f"## {method} {path}"
        yield ""
        yield f"{operation['summary']} · {operation['description']} (`{operation['operationId']}`)"
        yield ""
        yield from _parameters(operation["parameters"])
        yield from _body(operation)
        yield from _answers(operation["responses"])


def _parameters(parameters: list[Json]) -> Iterator[str]:
    if not parameters:
        return
    yield "| parameter | in | type | needed | 说明 |"
    yield "|---|---|---|---|---|"
    for one in parameters:
        needed = "yes" if one["required"] else ""
        told = one.get("description") or one["schema"].get("description", "")
        yield f"| `{one['name']}` | {one['in']} | {kind_of(one['schema'])} | {needed} | {_cell(told)} |"
    yield ""


def _body(operation: Json) -> Iterator[str]:
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"Body `{media_type}`: {kind_of(content['schema'])}"
        yield ""
        if "example" in content:
            yield from _example(content["example"])


def _example(value: Any) -> Iterator[str]:  # noqa: ANN401 - an example is any JSON
    yield "```json"
    yield json.dumps(value, ensure_ascii=False, indent=2)
    yield "```"
    yield ""


def _answers(responses: Json) -> Iterator[str]:
    yield "| status | answer |"
    yield "|---|---|"
    for status, answer in responses.items():
        kinds = " / ".join(
            kind_of(content["schema"]) if "schema" in content else f"`{media_type}`"
            for media_type, content in answer.get("content", {}).items()
        )
        told = answer["description"] if kinds == "Problem" or not kinds else kinds
        yield f"| {status} | {_cell(told)} |"
    yield ""


def _schemas(schemas: Json) -> Iterator[str]:
    yield "## Types · 数据类型"
    yield ""
    for name, schema in schemas.items():
        yield f"### {name}"
        yield ""
        if schema.get("description"):
            yield schema["description"]
            yield ""
        if schema.get("properties"):
            yield from _fields(schema)
        else:
            yield kind_of(schema)
            yield ""


def _fields(schema: Json) -> Iterator[str]:
    needed = schema.get("required", [])
    yield "| field | type | needed | 说明 |"
    yield "|---|---|---|---|"
    for name, part in schema["properties"].items():
        told = _cell(part.get("description") or _description_inside(part))
        yield f"| `{name}` | {kind_of(part)} | {'yes' if name in needed else ''} | {told} |"
    yield ""


def _description_inside(part: Json) -> str:
    told = [option["description"] for option in part.get("anyOf", ()) if "description" in option]
    return str(told[0]) if told else ""


def kind_of(schema: Json) -> str:
    """A JSON Schema in a few words: the type, its values or bounds, and what a list holds."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(kind_of(option) for option in schema["anyOf"])
    if "enum" in schema:
        return " ".join(f"`{value}`" for value in schema["enum"])
    return _plain_kind(schema)


def _plain_kind(schema: Json) -> str:
    inner = schema.get("items", schema.get("additionalProperties"))
    told = kind_of(inner) if isinstance(inner, dict) else ""
    match schema.get("type", "any"):
        case "array":
            return f"list of {told}" if told else "list"
        case "object":
            return f"map to {told}" if told else "object"
        case kind:
            return f"{schema.get('format', kind)}{_length(schema)}"


def _length(schema: Json) -> str:
    low, high = schema.get("minLength"), schema.get("maxLength")
    if low is None and high is None:
        return ""
    return f" ({low or 0}–{high if high is not None else '…'})"


def _problems() -> Iterator[str]:
    yield "## Problems · 错误代码"
    yield ""
    yield "| code | status | 标题 | title |"
    yield "|---|---|---|---|"
    for code, status, title_zh, title_en, _ in TABLE:
        yield f"| `{code}` | {status} | {title_zh} | {title_en} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def main(arguments: list[str]) -> int:
    """Writes the page, or with ``--json`` the document, to the standard output."""
    routes = whole_table()
    as_json = json.dumps(document(routes), ensure_ascii=False, indent=2) + "\n"
    sys.stdout.write(as_json if "--json" in arguments else page(routes))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
