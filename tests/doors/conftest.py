"""Clients of the sample application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient

from gateway.doors.app import make_app
from gateway.doors.call import Check, Limits
from tests.doors import sample

Client = TestClient[web.Request, web.Application]
OpenDoor = Callable[..., Awaitable[Client]]


@pytest.fixture
def services(tmp_path: Path) -> sample.SampleServices:
    """The services behind ``client``."""
    return sample.services(tmp_path / "files")


@pytest.fixture
async def client(aiohttp_client: AiohttpClient, services: sample.SampleServices) -> Client:
    """A client with the clerk's token."""
    app = make_app(services, sample.routes)
    return await aiohttp_client(app, headers={"Authorization": f"Bearer {sample.CLERK}"})


@pytest.fixture
def open_door(aiohttp_client: AiohttpClient, services: sample.SampleServices) -> OpenDoor:
    """Opens the sample with other limits or checks; the client shows no credentials."""

    async def opened(limits: Limits | None = None, checks: Mapping[str, Check] | None = None) -> Client:
        services.limits = limits or services.limits
        services.checks = checks or {}
        return await aiohttp_client(make_app(services, sample.routes))

    return opened
