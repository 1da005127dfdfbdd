"""Routes about the server itself: alive, ready, counted, described."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from gateway.doors.answers import JSON
from gateway.doors.call import Call, Check, DoorServices, Encoded
from gateway.doors.figures import DoorState
from gateway.doors.problems import CATALOGUE, problem_page
from gateway.doors.routes import PUBLIC, SIGNED_IN, Raw, Routes
from gateway.doors.wire import Answer, encode
from inbox_store.errors import Refused

CHECK_TIMEOUT_S: Final = 2.0

PATH_OF_DESCRIPTION: Final = "/api/v1/openapi.json"

SystemCall = Call[DoorServices, None, None]


class Health(Answer, frozen=True, kw_only=True):
    """存活探测的答复"""

    status: str


class Readiness(Answer, frozen=True, kw_only=True):
    """就绪探测的答复；reasons 按部件名给出不能工作的原因"""

    status: str
    reasons: dict[str, str]


async def reasons_of(checks: Mapping[str, Check]) -> dict[str, str]:
    """Why the house is not ready, by part. All parts are asked at once; one that does not answer is a reason."""
    told = await asyncio.gather(*(_asked(check) for check in checks.values()))
    return {name: reason for name, reason in zip(checks, told, strict=True) if reason}


async def _asked(check: Check) -> str | None:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            return await check()
    except TimeoutError:
        return "检查超时"
    except Exception as fault:  # noqa: BLE001 - a part may fail in any way; that it failed is the answer
        return f"检查失败：{type(fault).__name__}"


def system_routes(state: DoorState) -> Routes:
    """The routes of the application whose state is ``state``."""
    routes = Routes("system")
    _health(routes, state)
    _description(routes, state)
    return routes


def _health(routes: Routes, state: DoorState) -> None:
    @routes.at(
        "GET", "/healthz", name="system.alive", access=PUBLIC, answer=Health, zh="存活探测", en="Liveness"
    )
    async def alive(_call: SystemCall) -> Health:
        return Health(status="alive")

    @routes.at(
        "GET",
        "/readyz",
        name="system.ready",
        access=PUBLIC,
        answer=Readiness,
        also=((503, Readiness),),
        zh="就绪探测：不能受理时答复 503 并说明原因",
        en="Readiness: 503 with the reasons when nothing can be taken in",
    )
    async def ready(call: SystemCall) -> Readiness | Encoded:
        reasons = await reasons_of(call.services.checks)
        if state.draining:
            reasons["server"] = "正在停止服务"
        if not reasons:
            return Readiness(status="ready", reasons={})
        return Encoded(status=503, body=encode(Readiness(status="not_ready", reasons=reasons)))

    @routes.at(
        "GET",
        "/metrics",
        name="system.metrics",
        access="metrics.read",
        local=True,
        answer=Raw(("text/plain",)),
        zh="运行指标（Prometheus），限本机或有权限者",
        en="Metrics for Prometheus; on the same machine, or by right",
    )
    async def metrics(_call: SystemCall) -> web.Response:
        text = generate_latest(state.figures.registry)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})


def _description(routes: Routes, state: DoorState) -> None:
    @routes.at(
        "GET",
        PATH_OF_DESCRIPTION,
        name="system.description",
        access=SIGNED_IN,
        local=True,
        answer=Raw((JSON,)),
        zh="接口说明（OpenAPI 3.1），限本机或已登录者",
        en="This description (OpenAPI 3.1); on the same machine, or signed in",
    )
    async def description(_call: SystemCall) -> web.Response:
        return web.Response(body=state.description, content_type=JSON)

    @routes.at(
        "GET",
        "/problems/{code}",
        name="system.problem",
        access=PUBLIC,
        answer=Raw(("text/html",)),
        zh="一种错误的说明页",
        en="What one problem means",
    )
    async def problem(call: SystemCall) -> web.Response:
        entry = CATALOGUE.get(call.path.text("code"))
        if entry is None:
            raise Refused("not_found")
        return web.Response(text=problem_page(entry), content_type="text/html")
