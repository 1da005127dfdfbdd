"""What a caller shows or carries: tokens, keys, codes, cursors, headers. Each holds, or is refused as documented."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import jwt
import pytest

from gateway.doors import problems
from gateway.doors.cursors import Cursor
from gateway.doors.file_names import SIZE_MAX_BYTES, clean_name, disposition
from gateway.doors.origin import address_of, is_loopback, networks, origin_of
from gateway.doors.v1 import account, inbox, organisation, receiving, trace, tracking
from gateway.logs import masked
from gateway.rules.accounts import address_key, code_fits, code_of, login_key, normal_code
from gateway.token_keys import KeyRing
from gateway.tokens import (
    API,
    LIVE,
    Holder,
    Tokens,
    digest_of,
    key_prefix,
    new_api_key,
    new_refresh,
    refresh_chain,
)
from inbox_store.times import US
from realtime.door import origin_allowed
from tests.doors.asking import refusal_of
from tests.fuzz.budget import cases, fuzz, shares
from tests.fuzz.mutations import spoilt_bytes, spoilt_json, spoilt_text

NOW: Final = 1_780_000_000 * US
RING: Final = KeyRing.of_seed(bytes(range(32)))
TOKENS: Final = Tokens(RING)
HOLDER: Final = Holder(account_id=7, epoch=3, session="s" * 22)
ACCESS: Final = TOKENS.access(HOLDER, NOW).text
TICKET: Final = TOKENS.ticket(HOLDER, NOW).text
CLAIMS: Final = json.dumps(jwt.decode(ACCESS, options={"verify_signature": False})).encode()
HEAD: Final = json.dumps({"alg": "EdDSA", "typ": "JWT", "kid": RING.current.kid}).encode()


def refused(code: str, act: Callable[[], object]) -> bool:
    """Whether ``act`` is refused, by this code only."""
    told = refusal_of(act)
    assert told in {None, code}
    return told is not None


def signed(head: bytes, claims: bytes) -> str:
    """A token whose signature holds over these bytes, whatever they are: how far an insider's forgery could come."""
    told = b".".join(jwt.utils.base64url_encode(part) for part in (head, claims))
    return b".".join((told, jwt.utils.base64url_encode(RING.current.private.sign(told)))).decode()


def token(case: tuple[int, list[int]]) -> str:
    """A token spoilt as text, or in its claims or head under a valid signature."""
    kind, steps = case
    if kind < 2:
        return spoilt_text((ACCESS, TICKET)[kind], steps)
    return signed(spoilt_json(HEAD, steps), CLAIMS) if kind == 2 else signed(HEAD, spoilt_json(CLAIMS, steps))


@pytest.mark.parametrize("inputs", shares("tokens"))
def test_tokens(inputs: int) -> None:
    """A token is read or refused as token_invalid; what was changed under the old signature never holds."""

    def act(case: tuple[int, list[int]]) -> None:
        text = token(case)
        bad = [
            refused("token_invalid", partial(TOKENS.read, text, audience, NOW)) for audience in (API, LIVE)
        ]
        assert any(bad)
        assert all(bad) or case[0] >= 2 or text.strip("=") in {ACCESS, TICKET}

    fuzz(inputs, cases(4), act)


KEY: Final = new_api_key(random=bytes).text
REFRESH: Final = new_refresh(random=bytes).text
CODE: Final = code_of(bytes(range(10)))
SECRETS: Final = (KEY, REFRESH, CODE, "wangfang", "10.0.0.9", "2001:db8::1", "::ffff:10.0.0.9")


@pytest.mark.parametrize("inputs", shares("secrets"))
def test_secrets(inputs: int) -> None:
    """Keys, refresh tokens, activation codes, logins and addresses: a form or none, a digest always, no exception."""

    def act(case: tuple[int, list[int]]) -> None:
        text = spoilt_text(SECRETS[case[0]], case[1])
        assert key_prefix(text) is None or text.startswith("sdk_")
        assert refresh_chain(text) is None or text.startswith("sdr_")
        assert len(digest_of(text)) == 32
        told = normal_code(text)
        assert told is None or told.isascii()
        assert not code_fits(b"k" * 32, 7, told, b"\0" * 32)
        assert len(login_key(text)) < 100
        assert len(address_key(text)) < 100

    fuzz(inputs, cases(len(SECRETS)), act)


MODULES: Final = (account, inbox, organisation, receiving, trace, tracking)
CURSORS: Final[list[Cursor[Any]]] = [
    one for module in MODULES for one in vars(module).values() if isinstance(one, Cursor)
]
POSITIONS: Final = ((), (0,), (1, "U01"), (2**53 - 1,), ("U01",), ("U01", 3), (5, 6), (2026, 7, 1))


def cursor_texts(cursor: Cursor[Any]) -> list[str]:
    """Texts in the form of a cursor of this list, with positions of the right and of other shapes."""
    import msgspec  # noqa: PLC0415 - only here

    packed = [msgspec.msgpack.encode((1, cursor.name, position)) for position in POSITIONS]
    packed += [msgspec.msgpack.encode((1, cursor.name, {"a": 1}))]
    return [jwt.utils.base64url_encode(one).decode() for one in packed]


@pytest.mark.parametrize("inputs", shares("cursors"))
def test_cursors(inputs: int) -> None:
    """A cursor is what this list once gave, byte for byte, or refused as cursor_invalid."""
    texts = [(cursor, text) for cursor in CURSORS for text in cursor_texts(cursor)]

    def act(case: tuple[int, list[int]]) -> None:
        cursor, text = texts[case[0]]
        raw = jwt.utils.base64url_decode(text)
        for told in (
            spoilt_text(text, case[1]),
            jwt.utils.base64url_encode(spoilt_bytes(raw, case[1])).decode(),
        ):
            if not refused("cursor_invalid", partial(cursor.decode, told)):
                assert cursor.encode(cursor.decode(told)) == told

    fuzz(inputs, cases(len(texts)), act)


HEADERS: Final = (
    *("10.0.0.9", "10.0.0.9, 192.168.1.1", "2001:db8::1%eth0", "[::1]", "localhost", "unknown"),
    *("zh-CN,zh;q=0.9,en;q=0.8", "en;q=1.000", "https://oa.example.cn", "null", "关于汛期值班的通知.pdf", "a.tar.gz"),
    *("CON.txt", "138 1234 5678", "bytes=0-1"),
)  # fmt: skip
PROXIES: Final = networks(("10.0.0.0/8", "::1"))


@pytest.mark.parametrize("inputs", shares("headers"))
def test_header_values(inputs: int) -> None:
    """Addresses, languages, origins, file names: whatever is sent, a value comes out that can be logged and sent."""

    def act(case: tuple[int, list[int]]) -> None:
        text = spoilt_text(HEADERS[case[0]], case[1])
        assert origin_of("10.1.1.1", [text, text], PROXIES).isprintable()
        address_of(text)
        is_loopback(text)
        problems.english_wanted(text)
        assert not origin_allowed(text, frozenset({"https://else.example.cn"}))
        masked(text)
        name = clean_name(text)
        assert clean_name(name) == name
        assert len(name.encode()) <= SIZE_MAX_BYTES
        assert disposition(name).isascii()
        assert "\n" not in disposition(name)

    fuzz(inputs, cases(len(HEADERS)), act)
