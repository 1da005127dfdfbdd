"""Accounts through the doors: who lists, freezes, closes, unlocks and revokes whom, and what is told once."""

from __future__ import annotations

import pytest

from tests.api_admin.conftest import Office


async def test_phones_are_masked_unless_asked_for_by_right(office: Office) -> None:
    """A list shows 139****; the whole number takes the right to it and leaves a line in the trace."""
    path = f"/units/{await office.unit('E01')}/people"
    masked = await office.get(path, "eadmin")
    assert {one["phone"][:7] for one in masked.json["items"]} == {"139****"}
    whole = await office.get(path, "eadmin", phones="full")
    assert {one["phone"] for one in whole.json["items"]} >= {"13900010006"}
    trace = (await office.get("/audit", "auditor", action="person.phones_shown")).json["items"]
    shown = [one["id"] for one in whole.json["items"]]
    assert [line["detail"]["persons"] for line in trace] == [shown]
    assert trace[0]["subject"] == f"unit:{await office.unit('E01')}"

    refused = await office.get(path, "esecurity", phones="full")
    assert (refused.status, refused.code) == (403, "forbidden")
    assert "13900010006" not in refused.raw.decode()


async def test_the_trace_names_only_whose_numbers_were_shown(office: Office) -> None:
    """A page of one shows one number and records one person, though there are more pages."""
    told = await office.get(f"/units/{await office.unit('E01')}/people", "eclerk", phones="full", limit=1)
    assert (len(told.json["items"]), told.json["next"] is None) == (1, False)
    trace = (await office.get("/audit", "auditor", action="person.phones_shown")).json["items"]
    assert [len(line["detail"]["persons"]) for line in trace] == [1]


async def test_people_come_in_pages(office: Office) -> None:
    """Following the cursor meets everybody of the unit once; clerks see no accounts, administrators do."""
    path = f"/units/{await office.unit('E01')}/people"
    names: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        told = (await office.get(path, "eclerk", limit=2, **cursor)).json
        names += [one["name"] for one in told["items"]]
        assert all(one["account"] is None for one in told["items"])
        if told["next"] is None:
            break
        cursor = {"cursor": told["next"]}
    assert sorted(names) == sorted(["王芳", "李强", "张敏", "刘洋"])
    admin = (await office.get(path, "eadmin")).json["items"]
    assert {one["account"]["state_zh"] for one in admin} == {"待激活"}
    assert {post["role_zh"] for one in admin for post in one["posts"]} == {"收发员", "干部职工"}


async def test_a_frozen_account_is_out_at_once_and_comes_back(office: Office) -> None:
    """Freezing ends what the person holds; thawing lets in again; both are told and repeat under their key."""
    account = await office.account("eclerk")
    assert (await office.get("/me", "eclerk")).status == 200
    told = await office.post(f"/accounts/{account}/freeze", "eadmin", {}, key="freeze-once")
    assert (told.json["state"], told.json["state_zh"]) == ("frozen", "已冻结")
    assert (await office.get("/me", "eclerk")).status == 401
    again = await office.post(f"/accounts/{account}/freeze", "eadmin", {}, key="freeze-once")
    assert (again.raw, again.headers.get("Idempotency-Replayed")) == (told.raw, "true")
    other = await office.post(
        f"/accounts/{account}/freeze", "eadmin", {"from_day": "2026-04-01"}, key="freeze-once"
    )
    assert (other.status, other.code) == (422, "idempotency_mismatch")

    assert (await office.post(f"/accounts/{account}/unfreeze", "eadmin")).json["state"] == "pending"
    twice = await office.post(f"/accounts/{account}/unfreeze", "eadmin")
    assert (twice.status, twice.code) == (409, "account_not_frozen")


async def test_a_dated_freeze_waits_for_its_day(office: Office) -> None:
    """Frozen from a later day the account works until that day has begun in Shanghai."""
    account = await office.account("eclerk")
    told = await office.post(f"/accounts/{account}/freeze", "eadmin", {"from_day": "2026-03-04"})
    assert (told.json["state"], told.json["frozen_from"]) == ("pending", "2026-03-04T00:00:00+08:00")
    assert (await office.get("/me", "eclerk")).status == 200
    office.clock.forward(2 * 86_400)
    office.tokens.clear()
    people = await office.get(f"/units/{await office.unit('E01')}/people", "eadmin")
    states = {one["code"]: one["account"]["state"] for one in people.json["items"]}
    assert states["eclerk"] == "frozen"


async def test_closing_is_for_ever(office: Office) -> None:
    """A closed account is neither thawed nor closed again."""
    account = await office.account("estaff")
    assert (await office.post(f"/accounts/{account}/close", "eadmin", {})).json["state"] == "closed"
    for verb, body in (("close", {}), ("freeze", {}), ("unfreeze", None)):
        told = await office.post(f"/accounts/{account}/{verb}", "eadmin", body)
        assert told.code == "account_closed"


async def test_unlocking_and_revoking_are_the_security_administrators(office: Office) -> None:
    """The system administrator may do neither; a revoked token is refused, and the trace tells both."""
    account = await office.account("eclerk")
    for verb in ("unlock", "revoke"):
        assert (await office.post(f"/accounts/{account}/{verb}", "eadmin")).status == 403
    for _ in range(5):
        await office.post("/auth/login", None, {"login": "eclerk", "password": "wrong-one"})
    locked = await office.post("/auth/login", None, {"login": "eclerk", "password": "wrong-one"})
    assert (locked.status, int(locked.headers["Retry-After"]) > 0) == (423, True)
    assert (await office.post(f"/accounts/{account}/unlock", "esecurity")).status == 204
    told = await office.post("/auth/login", None, {"login": "eclerk", "password": "wrong-one"})
    assert told.code == "login_failed"

    assert (await office.get("/me", "eclerk")).status == 200
    assert (await office.post(f"/accounts/{account}/revoke", "esecurity")).status == 204
    assert (await office.get("/me", "eclerk")).code == "token_revoked"
    lines = (await office.get("/audit", "auditor", subject=f"account:{account}")).json["items"]
    assert {"account.unlock", "account.revoke", "account.login_failed"} <= {one["action"] for one in lines}


async def test_codes_are_told_once(office: Office) -> None:
    """The list names everybody of the unit; asked again, codes that hold are not told again; anew replaces them."""
    path = f"/units/{await office.unit('E01')}/activation-codes"
    first = (await office.post(path, "eadmin", {})).json
    assert {line["login"] for line in first["lines"]} == {"eclerk", "esecond", "estaff", "both"}
    assert all(line["code"] for line in first["lines"])
    second = (await office.post(path, "eadmin", {})).json
    assert [line["code"] for line in second["lines"]] == [""] * 4
    third = (await office.post(path, "eadmin", {"anew": True})).json
    codes = [{line["code"] for line in sheet["lines"]} for sheet in (first, third)]
    assert codes[0].isdisjoint(codes[1])
    assert (
        not office.server.parts.store.folder.joinpath("songda.db")
        .read_bytes()
        .count(next(iter(codes[1])).encode())
    )


async def test_who_serves_in_two_counties_is_managed_from_above(office: Office) -> None:
    """A county's administrator must reach every post of the person (F32)."""
    account = await office.account("both")
    assert (await office.post(f"/accounts/{account}/freeze", "eadmin", {})).status == 403
    assert (await office.post(f"/accounts/{account}/freeze", "admin", {})).status == 200


async def test_a_key_of_another_system_lives_and_ends(office: Office) -> None:
    """It is told once, listed by its prefix, does what it may and nothing else, and ends at once."""
    wish = {
        "unit_id": await office.unit("S01"),
        "name": "OA 对接",
        "login": "sclerk",
        "actions": ["org.read"],
    }
    made = await office.post("/api-keys", "security", wish)
    assert made.status == 201
    headers = {"X-API-Key": made.json["key"]}
    assert (await office.ask("GET", "/org/units", headers=headers)).status == 200
    assert (await office.ask("GET", "/scopes", headers=headers)).status == 403
    me = (await office.ask("GET", "/me", headers=headers)).json
    assert (me["kind"], me["account_id"], [one["action"] for one in me["actions"]]) == (
        "api_key",
        None,
        ["org.read"],
    )
    (listed,) = (await office.get("/api-keys", "security")).json["items"]
    assert listed["holds"]
    assert made.json["key"] not in str(listed)
    assert (await office.ask("DELETE", f"/api-keys/{listed['prefix']}", "security")).status == 204
    assert (await office.ask("GET", "/org/units", headers=headers)).code == "token_invalid"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"actions": ["document.sign"]}, "key_actions"),
        ({"role": "administrator"}, "key_role"),
        ({"scope": "city"}, "forbidden"),
        ({"login": "nobody-at-all"}, "not_found"),
        ({"unit_id": 999_999}, "not_found"),
    ],
)
async def test_a_key_never_holds_more_than_its_maker_gives(
    office: Office, change: dict[str, object], code: str
) -> None:
    """What no key may do, a reach beyond the maker's own, and unknown people or units are refused."""
    wish = {"unit_id": await office.unit("E01"), "name": "系统", "login": "eclerk", "actions": ["org.read"]}
    assert (await office.post("/api-keys", "esecurity", wish | change)).code == code
