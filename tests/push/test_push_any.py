"""Whatever a vendor answers or somebody posts as a receipt: an outcome for each push, a receipt or a refusal, no surprise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox_store.times import US
from push.app import honor, huawei, oppo, vivo, xiaomi
from push.app.calls import Answer, Delivered, Dialect, Failed, NotTheirs
from push.app.huawei.receipts import HEADER, sign
from push.app.marks import mark
from push.app.robots import RobotDialect
from push.app.sender import Accepted, Deferred, InDoubt, Push, Refused
from push.app.simulator.far import Keys
from push.app.tokens import Grant
from tests.push import push_world
from tests.push.push_world import OURS

KEYS = Keys("1", "s")
URL = "https://push.example"
NOW = 1_700_000_000 * US
CALLBACK = huawei.HuaweiCallback(user="u", key="k")
DIALECTS: list[Dialect] = [
    huawei.HuaweiDialect(push_world.huawei(URL, KEYS)),
    xiaomi.XiaomiDialect(push_world.xiaomi(URL, KEYS)),
    oppo.OppoDialect(push_world.oppo(URL, KEYS)),
    vivo.VivoDialect(push_world.vivo(URL, KEYS)),
    honor.HonorDialect(push_world.honor(URL, KEYS)),
    *(
        RobotDialect(push_world.robots(kind, URL, KEYS, ("a", "b")))
        for kind in ("wecom", "dingtalk", "feishu")
    ),
]
WORDS = st.sampled_from(
    [
        "code",
        "msg",
        "data",
        "result",
        "errcode",
        "requestId",
        "sendResult",
        "failTokens",
        "expireTokens",
        "illegalTokens",
        "illegal_tokens",
        "success",
        "tokenFormatError",
        "noRight",
        "registrationId",
        "errorCode",
        "invalidUsers",
        "status",
        "userid",
        "auth_token",
        "authToken",
        "access_token",
        "expires_in",
        "statuses",
        "token",
        "deliveryStatus",
        "timestamp",
        "biTag",
        "param",
        "targets",
        "type",
        "registrationIds",
        "eventTime",
        "a",
        "b",
    ]
)
CODES = st.sampled_from(
    [0, 1, 11, 13, 200, 10000, 10302, "0", "80000000", "80100000", "80300007", "80200003", "a"]
)
PLAIN = st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63), st.floats(), st.text(), CODES)
JSON = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=20,
)


def encoded(value: object) -> bytes:
    """As JSON."""
    return msgspec.json.encode(value)


BODIES = st.one_of(JSON.map(encoded), st.binary(max_size=60))
PUSHES = [Push(id="1", token="a", title="来文", body="x"), Push(id="2", token="b", title="来文", body="x")]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda one: one.vendor)
@given(
    status=st.sampled_from([200, 201, 302, 400, 401, 404, 429, 500, 503]),
    body=BODIES,
    retry_after=st.sampled_from(["", "5", "x", "99999999999", "-1", "٣"]),
)
def test_any_answer_gives_one_outcome_each(
    dialect: Dialect, status: int, body: bytes, retry_after: str
) -> None:
    """Nothing raises; accepted only with a status of success; gone only where the answer names a code for it."""
    answer = Answer(status=status, headers={"retry-after": retry_after}, body=body)
    pushes = PUSHES[: min(2, dialect.batch_max)]
    told = dialect.outcomes(answer, pushes, NOW)
    assert len(told) == len(pushes)
    assert all(isinstance(one, Accepted | Refused | Deferred | InDoubt) for one in told)
    assert not any(isinstance(one, Deferred) and one.after_s is not None and one.after_s < 0 for one in told)
    gone = [one for one in told if isinstance(one, Refused) and one.gone]
    assert not [one for one in gone if one.alarm]
    assert isinstance(dialect.stale(answer), bool)
    assert isinstance(dialect.granted(answer, NOW), Grant | Refused | Deferred)


READERS: list[Callable[[bytes], list[Delivered | Failed]]] = [
    lambda body: huawei.receipts(
        {HEADER: f"timestamp=1700000000000; nonce=n; value={sign(CALLBACK, '1700000000000', 'n')}"},
        body,
        CALLBACK,
        NOW,
    ),
    lambda body: xiaomi.receipts({}, body, OURS, NOW),
    lambda body: xiaomi.receipts({}, b"data=" + body, OURS, NOW),
    lambda body: oppo.receipts({}, body, OURS, NOW),
    lambda body: vivo.receipts({}, body, OURS, NOW),
    lambda body: honor.receipts({}, body, OURS, NOW),
]


def entries(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Callbacks that bear a mark of ours, with anything beside it."""
    marks = st.sampled_from([mark(OURS, "a", "1"), mark(OURS, "", "1"), "x"])
    entry = st.fixed_dictionaries(
        {"param": marks, "biTag": marks, "targets": st.just("a"), "token": st.just("a")},
        optional=dict.fromkeys(("type", "status", "timestamp", "eventTime", "requestId", "eventType"), inner),
    )
    return st.one_of(
        st.lists(entry, max_size=3),
        st.dictionaries(st.text(max_size=3), entry, max_size=3),
        st.lists(entry, max_size=3).map(lambda told: {"statuses": told}),
    )


@pytest.mark.parametrize("read", READERS, ids=["huawei", "xiaomi", "xiaomi_form", "oppo", "vivo", "honor"])
@given(body=st.one_of(BODIES, entries(PLAIN).map(encoded)))
def test_any_callback_is_receipts_or_not_theirs(
    read: Callable[[bytes], list[Delivered | Failed]], body: bytes
) -> None:
    """Nothing else comes out; times fit into the store."""
    try:
        told = read(body)
    except NotTheirs:
        return
    assert all(one.at is None or 0 < one.at < 2**63 for one in told)


@given(st.text(max_size=80))
def test_any_header_is_refused_in_order(header: str) -> None:
    """A header may hold what is no text."""
    for told in (
        header,
        f"timestamp=1700000000000; nonce={header}; value={header}",
        "timestamp=1; nonce=\udcff; value=\udcff",
    ):
        with pytest.raises(NotTheirs):
            huawei.receipts({HEADER: told}, b'{"statuses":[]}', CALLBACK, NOW)
