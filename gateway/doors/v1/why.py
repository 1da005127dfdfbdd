"""The route that tells why somebody was told of a document, or was not."""

from __future__ import annotations

from gateway.doors.routes import Routes
from gateway.doors.v1.adapter import AppCall
from gateway.flows import why as flows
from gateway.flows.why import Why

routes = Routes("why")


@routes.at(
    "GET",
    "/api/v1/documents/{document_id:int}/why/{person_id:int}",
    name="document.why",
    access="account.self",
    answer=Why,
    zh="一个人为什么收到或没有收到一份文件的提醒",
    en="Why a person was, or was not, told of a document",
    errors=("not_found",),
)
async def why(call: AppCall[None, None]) -> Why:
    """The entry, and every order with its reason."""
    document_id, person_id = call.path.number("document_id"), call.path.number("person_id")
    return await flows.why(call.services.house, call.principal, document_id, person_id)
