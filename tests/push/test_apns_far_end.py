"""The far ends of Apple and Google check what they get: each spoilt request is refused for its reason, and not counted."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from inbox_store.times import US
from push.app.apns.bodies import payload, request
from push.app.apns.provider_token import ProviderTokens
from push.app.fcm.bodies import assertion
from push.app.fcm.bodies import payload as message
from push.app.fcm.bodies import request as fcm_request
from push.app.http2.happenings import Request
from push.app.jose import p256_key, rsa_key
from push.app.simulator.apns import ApnsDesk
from push.app.simulator.fcm import FcmDesk
from push.app.simulator.http2_script import Http2Script, Player, Shares
from push.app.simulator.http2_server import Heard
from tests.push.http2_world import (
    EMAIL,
    KEY_ID,
    PROJECT,
    TEAM,
    TOPIC,
    apns_account,
    ec_pems,
    fcm_account,
    push,
    rsa_pems,
)

NOW: Final = 1_700_000_000 * US


def heard(made: Request, **spoilt: str | None) -> Heard:
    """A request as it arrives, with some headers changed or taken away (``_`` for ``-``, ``path`` for ``:path``)."""
    headers = {name.decode(): value.decode() for name, value in made.headers}
    for name, value in spoilt.items():
        key = f":{name}" if name in {"path", "method"} else name.replace("_", "-")
        if value is None:
            headers.pop(key)
        else:
            headers[key] = value
    return Heard(headers, made.body)


def apns_made(*, team: str = TEAM, now: int = NOW, body: bytes | None = None) -> Request:
    """One of ours, signed."""
    bearer = ProviderTokens(p256_key(ec_pems()[0]), KEY_ID, team).value(now)
    told = payload(apns_account(), push(tag="t")) if body is None else body
    assert told is not None
    return request(apns_account(), push(tag="t"), told, bearer, now)


@pytest.mark.parametrize(
    ("made", "spoilt", "status", "reason"),
    [
        (apns_made(), {"method": "GET"}, 405, "MethodNotAllowed"),
        (apns_made(), {"path": "/other"}, 404, "BadPath"),
        (apns_made(), {"path": "/3/device/"}, 400, "MissingDeviceToken"),
        (apns_made(), {"path": "/3/device/XYZ"}, 400, "BadDeviceToken"),
        (apns_made(), {"apns_topic": None}, 400, "MissingTopic"),
        (apns_made(), {"apns_topic": "other.app"}, 400, "TopicDisallowed"),
        (apns_made(), {"apns_push_type": "shout"}, 400, "InvalidPushType"),
        (apns_made(), {"apns_priority": "7"}, 400, "BadPriority"),
        (apns_made(), {"apns_expiration": "soon"}, 400, "BadExpirationDate"),
        (apns_made(), {"apns_collapse_id": "x" * 65}, 400, "BadCollapseId"),
        (apns_made(), {"apns_id": "1"}, 400, "BadMessageId"),
        (apns_made(body=b""), {}, 400, "PayloadEmpty"),
        (apns_made(body=b"[]"), {}, 400, "PayloadEmpty"),
        (apns_made(body=b'{"aps":{},"x":"' + b"y" * 4_096 + b'"}'), {}, 413, "PayloadTooLarge"),
        (apns_made(), {"authorization": None}, 403, "MissingProviderToken"),
        (apns_made(), {"authorization": "bearer a.b.c"}, 403, "InvalidProviderToken"),
        (apns_made(team="OTHERTEAM1"), {}, 403, "InvalidProviderToken"),
        (apns_made(now=NOW - 3_700 * US), {}, 403, "ExpiredProviderToken"),
    ],
)
def test_apple_refuses_what_is_wrong(made: Request, spoilt: dict[str, Any], status: int, reason: str) -> None:
    """Each fault by its own reason; only the request as it was made is taken."""
    desk = ApnsDesk(team_id=TEAM, topic=TOPIC, keys={KEY_ID: ec_pems()[1]}, clock=lambda: NOW)
    told = desk.answer(heard(made, **spoilt))
    assert (told.status, json.loads(told.body)["reason"]) == (status, reason)
    assert not desk.took
    assert desk.answer(heard(apns_made())).status == 200
    assert desk.took.total() == 1


def fcm_desk() -> tuple[FcmDesk, str]:
    """With a token that it gave."""
    desk = FcmDesk(
        project=PROJECT,
        email=EMAIL,
        key_id="0123456789abcdef",
        public_pem=rsa_pems()[1],
        clock=lambda: NOW,
    )
    return desk, desk.door.give()


def changed(**fields: object) -> bytes:
    """A message of ours with some fields other than they were."""
    told = json.loads(message(fcm_account(), push()) or b"{}")
    told["message"].update(fields)
    return json.dumps(told).encode()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{}", ""),
        (b"no json", ""),
        (changed(data={"id": 1}), "message.data"),
        (changed(data={"google.x": "1"}), "message.data"),
        (changed(topic="t"), "message"),
        (changed(android={"ttl": "1 day"}), "message.android.ttl"),
        (changed(android={"ttl": "2419201s"}), "message.android.ttl"),
        (changed(android={"priority": "HIGHEST"}), "message.android.priority"),
        (changed(notification={"title": "x" * 5_000}), ""),
    ],
)
def test_google_refuses_what_is_wrong(body: bytes, field: str) -> None:
    """INVALID_ARGUMENT with the field, where one is named; only the message as it was made is taken."""
    desk, bearer = fcm_desk()
    told = desk.answer(heard(fcm_request(fcm_account(), body, bearer)))
    error = json.loads(told.body)["error"]
    named = [one["fieldViolations"][0]["field"] for one in error["details"] if "fieldViolations" in one]
    assert (told.status, error["status"], named) == (400, "INVALID_ARGUMENT", [field] if field else [])
    assert not desk.took
    assert desk.answer(heard(fcm_request(fcm_account(), changed(), bearer))).status == 200
    assert desk.took.total() == 1


def test_google_lets_nobody_in_without_a_token() -> None:
    """No bearer, another's, an old one; another project's path."""
    desk, bearer = fcm_desk()
    made = fcm_request(fcm_account(), changed(), bearer)
    for spoilt in ({"authorization": "Bearer x"}, {"authorization": bearer}):
        assert desk.answer(heard(made, **spoilt)).status == 401
    assert desk.answer(heard(made, path="/v1/projects/other/messages:send")).status == 404
    desk.door.expire()
    assert desk.answer(heard(made)).status == 401


@pytest.mark.parametrize("field", ["client_email", "private_key_id", "token_uri"])
def test_google_signs_in_only_its_own_account(field: str) -> None:
    """Issuer, key and audience are checked, and the time."""
    desk, _bearer = fcm_desk()
    other = {"token_uri": "https://elsewhere/x"}.get(field, "other@x")
    account, key = fcm_account(**{field: other}), rsa_key(rsa_pems()[0])
    form = {"grant_type": ["urn:ietf:params:oauth:grant-type:jwt-bearer"]}
    assert not desk._is_asserted({**form, "assertion": [assertion(account, key, NOW)]})
    fine = fcm_account()
    assert desk._is_asserted({**form, "assertion": [assertion(fine, key, NOW)]})
    assert not desk._is_asserted({**form, "assertion": [assertion(fine, key, NOW - 3_700 * US)]})


def test_the_same_seed_plays_the_same_history() -> None:
    """Deeds and delays; another name or seed plays another one."""
    script = Http2Script(seed=7, shares=Shares(reset=0.3, goaway=0.3))
    first, again = Player(script, "apns"), Player(script, "apns")
    plays = [first.play() for _ in range(50)]
    assert plays == [again.play() for _ in range(50)]
    other = Player(script, "fcm")
    assert plays != [other.play() for _ in range(50)]


@pytest.mark.parametrize("shares", [{"reset": 1.5}, {"reset": -0.1}, {"reset": 0.6, "cut": 0.6}])
def test_a_script_that_cannot_be_played_is_refused(shares: dict[str, float]) -> None:
    """Shares name themselves; so do limits."""
    with pytest.raises(ValueError, match="shares"):
        Shares(**shares)
    with pytest.raises(ValueError, match="streams"):
        Http2Script(streams=0)
