"""What several verbs look up on the server: all pages of a list, a region by its name or code, moments as people show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.cli.console import stop

if TYPE_CHECKING:
    from gateway.cli.api import Api

PAGE_SIZE = 100


async def paged(api: Api, path: str, **params: object) -> list[dict[str, Any]]:
    """All pages of a list. Raises as ``Api.get``."""
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = await api.get(path, limit=PAGE_SIZE, cursor=cursor, **params)
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            return found


async def region_id(api: Api, wanted: str, *levels: str) -> int:
    """The region of one of ``levels`` with this name or code. Ends the run where there is none."""
    found = await paged(api, "/org/regions")
    ids = [one["id"] for one in found if one["level"] in levels and wanted in (one["name"], one["code"])]
    if not ids:
        stop(f"没有名称或编码为 {wanted} 的县区，或者您无权看到", "核对县区名称")
    return int(ids[0])


def minute(text: str | None) -> str:
    """An instant of an answer to the minute, "" for none."""
    return (text or "")[:16].replace("T", " ")
