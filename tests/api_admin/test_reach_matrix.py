"""Who may ask what: every administrative route against every duty, and no county looks into another (F32, ASVS 8.2.1)."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.doors.routes import PUBLIC, Route
from gateway.doors.v1 import (
    account,
    api_keys,
    auth,
    delegation,
    figures,
    imports,
    leave,
    lights,
    notices,
    organisation,
    phones,
    reach,
    registers,
    sms_switch,
    trace,
    urging,
)
from tests.api_admin.conftest import Office
from tests.api_admin.test_phone_doors import go_bad
from tests.api_admin.test_switch_doors import wish

PARTS = (
    account,
    api_keys,
    auth,
    delegation,
    figures,
    imports,
    leave,
    lights,
    notices,
    organisation,
    phones,
    reach,
    registers,
    sms_switch,
    trace,
    urging,
)
ROUTES = {route.name: route for part in PARTS for route in part.routes}

MARCH = {"from": "2026-03-01", "to": "2026-03-31"}
QUERIES = dict.fromkeys(
    ("rates.show", "rates.xlsx", "rates.csv", "figures.online", "figures.logins", "light.counts"), MARCH
)

EVERYBODY = {"auth.me", "auth.logout", "auth.password", "notice.list", "notice.read"}
ORG = {"org.regions", "org.lines", "org.units", "org.unit", "org.no_clerk", "exemption.list", "series.list"}
SCOPES = {"scope.list", "scope.save", "scope.show", "scope.replace", "scope.drop"}
RATES = {"rates.show", "rates.xlsx", "rates.csv", "figures.logins"}
ADMIN = {
    "org.template",
    "org.import",
    "unit.freeze",
    "unit.thaw",
    "unit.people",
    "unit.activation_codes",
    "account.freeze",
    "account.unfreeze",
    "account.close",
}
PHONES = {"phone.list", "phone.clear"}
SWITCHES = {"sms_switch.list", "sms_switch.standing"}
AGENTS = {"delegation.list", "delegation.begin", "delegation.end"}
REQUESTS = {"request.file", "request.reply", "request.withdraw", "request.list", "request.show"}
OWN = AGENTS | REQUESTS | {"document.urges"}
URGING = {"document.urge", "document.urge_all"}
LIGHTS = {"light.list", "light.counts"}
KEYS = {"api_key.list", "api_key.create", "api_key.revoke"}

EXPECTED: dict[str, set[str]] = {
    "admin": EVERYBODY
    | ORG
    | SCOPES
    | ADMIN
    | PHONES
    | SWITCHES
    | AGENTS
    | {"rates.recount", "figures.online", "sms_switch.apply", "reach.show"}
    | {"supervising.list", "supervising.set"},
    "eadmin": EVERYBODY
    | ORG
    | SCOPES
    | ADMIN
    | PHONES
    | SWITCHES
    | AGENTS
    | {"sms_switch.apply", "reach.show", "supervising.list"},
    "security": EVERYBODY
    | ORG
    | KEYS
    | {"unit.people", "account.unlock", "account.revoke", "delegation.list"},
    "esecurity": EVERYBODY
    | ORG
    | KEYS
    | {"unit.people", "account.unlock", "account.revoke", "delegation.list"},
    "auditor": EVERYBODY | {"audit.list", "audit.verify", "audit.head"},
    "eauditor": EVERYBODY | {"audit.list", "audit.verify", "audit.head"},
    "approver": EVERYBODY
    | ORG
    | SWITCHES
    | OWN
    | {"exemption.add", "series.add", "sms_switch.approve", "sms_switch.reject"},
    "supervisor": EVERYBODY
    | ORG
    | RATES
    | SWITCHES
    | OWN
    | URGING
    | LIGHTS
    | {"rates.recount", "figures.online", "light.instruct", "supervising.list"},
    "esupervisor": EVERYBODY
    | ORG
    | RATES
    | SWITCHES
    | OWN
    | URGING
    | LIGHTS
    | {"light.instruct", "supervising.list"},
    "eclerk": EVERYBODY
    | ORG
    | SCOPES
    | RATES
    | PHONES
    | OWN
    | URGING
    | LIGHTS
    | {"unit.people", "reach.show"},
    "estaff": EVERYBODY | ORG | OWN,
}
"""Which routes open at all for whom; written from the duties, a new route fails here until somebody says who has it."""


def path_of(route: Route, numbers: dict[str, int]) -> str:
    """The route's path with every place filled; 1 where ``numbers`` names nothing better."""
    path = route.path.removeprefix("/api/v1")
    for name, is_id in route.places.items():
        place = f"{{{name}:int}}" if is_id else f"{{{name}}}"
        path = path.replace(place, str(numbers.get(name, 1)))
    return path


async def knock(office: Office, route: Route, who: str, numbers: dict[str, int]) -> int:
    """The status of a call without content: whoever may not is refused before anything is read."""
    more: dict[str, Any] = {"params": QUERIES.get(route.name, {})}
    if route.body is not None:
        more["headers"] = {"Content-Type": "application/json"}
    return (await office.ask(route.method, path_of(route, numbers), who, **more)).status


async def test_every_route_opens_for_those_named(office: Office) -> None:
    """For each duty exactly the routes named open; all others answer 403, whatever is asked for."""
    numbers = {"unit_id": await office.unit("E01"), "account_id": await office.account("esecond")}
    for who, expected in EXPECTED.items():
        asked = {name for name, route in ROUTES.items() if route.access != PUBLIC and name != "auth.logout"}
        opened = {name for name in asked if await knock(office, ROUTES[name], who, numbers) != 403}
        assert opened == expected - {"auth.logout"}, who


async def test_no_route_answers_strangers(office: Office) -> None:
    """Without credentials every route but the public ones answers 401."""
    for name, route in ROUTES.items():
        told = await office.ask(route.method, path_of(route, {}), params=QUERIES.get(name, {}))
        assert (told.status == 401) == (route.access != PUBLIC), (name, told.status)


@pytest.mark.parametrize("who", ["eadmin", "esecurity", "eauditor", "esupervisor"])
async def test_a_county_looks_into_no_other(office: Office, who: str) -> None:
    """No list a county's administrators read names a unit, a person or a place of the other county."""
    await office.post(f"/units/{await office.unit('W01')}/freeze", "wadmin", {})
    series = {"unit_id": await office.unit("W01"), "name": "西岭信息", "from_day": "2026-03-01"}
    await office.post("/brief-series", "approver", series)
    scope = {"unit_id": await office.unit("W01"), "name": "西岭范围", "units": [await office.unit("W01")]}
    await office.post("/scopes", "wclerk", scope)
    key = {
        "unit_id": await office.unit("W01"),
        "name": "西岭系统",
        "login": "wclerk",
        "actions": ["org.read"],
    }
    await office.post("/api-keys", "security", key)
    await office.post("/sms/switches", "wadmin", await wish(office, "120"))
    await go_bad(office, "wclerk", "both")
    for name, route in ROUTES.items():
        whole_house = name in ("audit.verify", "audit.head", "receipt.keys")
        # The address book is the office's, whichever county somebody supervises in (F32: administrators see their own).
        address_book = who == "esupervisor" and name in ORG
        if route.method != "GET" or route.places or whole_house or address_book:
            continue
        told = await office.get(path_of(route, {}), who, **QUERIES.get(name, {}))
        assert told.status in (200, 403), name
        text = told.raw.decode("utf-8", "replace")
        assert not [word for word in ("西岭", "石桥", "陈静", "何平", '"W0') if word in text], name


async def test_a_county_touches_no_other(office: Office) -> None:
    """Every route that names a unit or an account of the other county refuses: 403, or 404 where it is not shown."""
    numbers = {"unit_id": await office.unit("W01"), "account_id": await office.account("wclerk")}
    (numbers["person_id"],) = await go_bad(office, "wclerk")
    bodies: dict[str, object] = {
        "account.freeze": {},
        "account.close": {},
        "unit.freeze": {},
        "unit.activation_codes": {},
    }
    for who in ("eadmin", "esecurity"):
        for name, route in ROUTES.items():
            if not ({"unit_id", "account_id", "person_id"} & route.places.keys()):
                continue
            body: dict[str, Any] = {"json": bodies[name]} if name in bodies else {}
            told = await office.ask(route.method, path_of(route, numbers), who, **body)
            assert told.status in (403, 404), (who, name, told.status)
    lines = (await office.get("/audit", "auditor", subject=f"account:{numbers['account_id']}")).json["items"]
    assert [line["action"] for line in lines] == []
