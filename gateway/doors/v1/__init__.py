"""The routes of API v1, one module a subject; a new module is one line in ``PARTS``."""

from __future__ import annotations

from typing import Final

from gateway.doors.routes import Route, Routes, table
from gateway.doors.v1 import (
    account,
    api_keys,
    attachments,
    auth,
    delegation,
    devices,
    drafts,
    figures,
    imports,
    inbox,
    leave,
    lights,
    mail,
    meetings,
    messages,
    notices,
    organisation,
    phones,
    push_callbacks,
    reach,
    receiving,
    registers,
    sending,
    short_link,
    sms_callbacks,
    sms_replies,
    sms_switch,
    trace,
    tracking,
    urging,
    why,
)

PARTS: Final[tuple[Routes, ...]] = (
    auth.routes,
    account.routes,
    api_keys.routes,
    organisation.routes,
    imports.routes,
    registers.routes,
    figures.routes,
    trace.routes,
    attachments.routes,
    sending.routes,
    drafts.routes,
    mail.routes,
    tracking.routes,
    why.routes,
    inbox.routes,
    receiving.routes,
    meetings.routes,
    sms_replies.routes,
    messages.routes,
    notices.routes,
    devices.routes,
    phones.routes,
    push_callbacks.routes,
    sms_callbacks.routes,
    short_link.routes,
    sms_switch.routes,
    urging.routes,
    lights.routes,
    delegation.routes,
    leave.routes,
    reach.routes,
)


def all_routes() -> tuple[Route, ...]:
    """Every route of every subject, without those about the server itself. Raises RouteFault."""
    return table(*PARTS)
