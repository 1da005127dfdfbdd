"""Logging in through the doors: from the printed code to one's own account, and out again."""

from __future__ import annotations

import pytest

from tests.api_admin.conftest import Office

FIRST, SECOND = "Chun-Feng7-Hua", "Qiu-Yue9-Shui"


async def code_of(office: Office, login: str, unit: str) -> str:
    """The code that the administrator prints for this login."""
    told = await office.post(f"/units/{await office.unit(unit)}/activation-codes", "admin", {})
    return str(next(line["code"] for line in told.json["lines"] if line["login"] == login))


async def test_from_the_printed_code_to_the_own_account(office: Office) -> None:
    """Code, password, log-in, refresh, a new password and log-out follow one another, each ending what it replaces."""
    code = await code_of(office, "eclerk", "E01")
    weak = await office.post(
        "/auth/activate", None, {"login": "eclerk", "code": code, "password": "12345678"}
    )
    assert (weak.status, weak.code) == (422, "password_weak")
    first = await office.post("/auth/activate", None, {"login": "eclerk", "code": code, "password": FIRST})
    assert first.status == 200
    assert first.json["access_expires_at"].endswith("+08:00")
    again = await office.post("/auth/activate", None, {"login": "eclerk", "code": code, "password": FIRST})
    assert (again.status, again.code) == (422, "code_invalid")

    login = await office.post("/auth/login", None, {"login": "eclerk", "password": FIRST})
    fresh = await office.post("/auth/refresh", None, {"refresh_token": login.json["refresh_token"]})
    bearer = {"Authorization": f"Bearer {fresh.json['access_token']}"}
    assert (await office.ask("GET", "/me", headers=bearer)).json["name"] == "王芳"

    changed = await office.ask("PUT", "/auth/password", headers=bearer, json={"old": FIRST, "new": SECOND})
    assert changed.status == 200
    assert (await office.ask("GET", "/me", headers=bearer)).code == "token_revoked"
    bearer = {"Authorization": f"Bearer {changed.json['access_token']}"}
    assert (await office.ask("POST", "/auth/logout", headers=bearer)).status == 204
    assert (await office.ask("GET", "/me", headers=bearer)).code == "token_revoked"


@pytest.mark.parametrize(
    ("login", "password"), [("eclerk", "wrong-one"), ("nobody-at-all", "wrong-one"), ("estaff", FIRST)]
)
async def test_a_failed_log_in_tells_nothing(office: Office, login: str, password: str) -> None:
    """A wrong password, an unknown login and one without a password meet the same answer."""
    told = await office.post("/auth/login", None, {"login": login, "password": password})
    assert (told.status, told.code) == (401, "login_failed")
    assert login not in told.raw.decode()


async def test_me_tells_posts_rights_and_units(office: Office) -> None:
    """A county's administrator sees the post with its county, the rights that follow, and no others."""
    me = (await office.get("/me", "eadmin")).json
    assert me["kind"] == "person"
    assert [(one["role"], one["role_zh"], one["county"]) for one in me["grants"]] == [
        ("administrator", "系统管理员", "东川县")
    ]
    assert [unit["code"] for unit in me["units"]] == ["E02"]
    actions = {one["action"] for one in me["actions"]}
    assert {"org.import", "account.freeze"} <= actions
    assert not actions & {"document.sign", "audit.read", "account.api_key", "rates.read"}


async def test_strangers_are_told_to_log_in(office: Office) -> None:
    """Without credentials only log-in and the published keys answer."""
    assert (await office.get("/me")).code == "unauthenticated"
    assert (await office.get("/org/units")).code == "unauthenticated"
    assert (await office.get("/receipt-keys")).status == 200
