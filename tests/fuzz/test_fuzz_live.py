"""The live door: words of clients, sessions in any order of events, and bytes on real sockets."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final, get_args

import pytest
from hypothesis import strategies as st

from realtime import effects as does
from realtime.frames import (
    CLIENT_FRAME_MAX_BYTES,
    Ack,
    AskCounts,
    ClientMessage,
    FrameFault,
    Hello,
    Ping,
    parse,
    parse_server,
    say,
)
from realtime.ports import Admitted, CountsRead
from realtime.rules import CLOSE_CODES, FAULTS, SessionRules
from realtime.session import Session
from tests.fuzz.budget import cases, fuzz, seeds, shares
from tests.fuzz.front import Front
from tests.fuzz.mutations import spoilt_bytes, spoilt_json
from tests.realtime.memory_house import YEAR_2100
from tests.realtime.raw_client import masked
from tests.realtime.test_session_rules import page, told

WORDS: Final = tuple(
    say(word).encode()
    for word in (
        Hello(ticket="t" * 40, device="浏览器", app="web/1"),
        Hello(token="person-7", position=5, epoch="e", acked=3, device="d"),
        Hello(),
        Ack(position=7),
        Ack(position=19),
        Ack(position=0),
        Ping(),
        AskCounts(),
    )
)


def word(made: Random) -> bytes:
    """A client's word, as often sound as spoilt."""
    chosen = made.choice(WORDS)
    return spoilt_json(chosen, [made.randrange(2**32)]) if made.randrange(2) else chosen


@pytest.mark.parametrize("inputs", shares("words"))
def test_words(inputs: int) -> None:
    """A frame is a word of the protocol, which is understood again when it is said, or a fault that has its words."""

    def act(case: tuple[int, list[int]]) -> None:
        payload = spoilt_json(WORDS[case[0]], case[1])
        try:
            told = parse(payload)
        except FrameFault as fault:
            code = fault.code
        else:
            assert len(payload) <= CLIENT_FRAME_MAX_BYTES
            assert isinstance(told, get_args(ClientMessage))
            assert parse(say(told).encode()) == told
            return
        assert code in FAULTS

    fuzz(inputs, cases(len(WORDS), 4), act)


RULES: Final = SessionRules(kept_max=2, idle_words_burst=4)
WHO: Final = Admitted(person_id=7, name="", token_id="login", expires_at=YEAR_2100)
EVENTS: Final[tuple[Callable[[Session, Random, float], object], ...]] = (
    lambda one, made, now: one.received(word(made), now, made.randrange(20)),
    lambda one, made, now: one.received(made.choice(WORDS), now, made.randrange(20)),
    lambda one, made, now: one.received(made.choice(WORDS), now),
    lambda one, _, now: one.binary(now),
    lambda one, made, now: one.pinged(made.randbytes(3), now),
    lambda one, _, now: one.heard(now),
    lambda one, made, now: one.admitted(WHO, made.randrange(9), "e", now, 3600.0),
    lambda one, made, now: one.admitted(made.choice((None, WHO)), 6, made.choice("ef"), now, made.choice((0.0, 9.0))),
    lambda one, made, now: one.page(page(made.randrange(20), more=made.random() < 0.3), now),
    lambda one, _, now: one.unread(now),
    lambda one, made, _: one.nudged(told(*sorted(made.sample(range(1, 20), 2)))),
    lambda one, *_: one.behind(),
    lambda one, made, _: one.counts(CountsRead(position=made.randrange(20), by_person={7: {"brief": (2, 1)}})),
    lambda one, _, now: one.tick(now),
    lambda one, made, now: one.rechecked(made.choice((True, None, False)), now),
    lambda one, *_: one.doubted(),
    lambda one, _, now: one.too_slow(now) if one.state != "connecting" else (),
    lambda one, made, _: one.drain("restart", made.randrange(5)),
    lambda one, *_: one.dismissed(),
)  # fmt: skip


def events(steps: list[int]) -> None:
    """One session through these events: nothing after its close, no ack above what was sent, every frame readable."""
    one, now, ended = Session("s", RULES, 0), 0.0, False
    if steps[0] % 4:
        one.received(WORDS[1], now)
        one.admitted(WHO, steps[0] % 9, "e", now, 3600.0)
    for step in steps:
        made = Random(step)
        now += made.choice((0, 0, 0.1, 20, 80))
        before = one.position
        effects = EVENTS[made.randrange(len(EVENTS))](one, made, now)
        assert one.position >= before or not before
        if isinstance(effects, bytes):
            parse_server(effects[4:] if effects[1] == 126 else effects[2:])
        for effect in effects if isinstance(effects, tuple) else ():
            assert not ended, f"{effect} after the close"
            ended = isinstance(effect, does.Close)
            checked(one, effect)
    one.gone()


def checked(one: Session, effect: object) -> None:
    """What must hold of anything that a session asks for."""
    if isinstance(effect, does.Close):
        assert effect.code in CLOSE_CODES
        assert one.state == "closing"
    elif isinstance(effect, does.Acked):
        assert 0 <= effect.from_position < effect.to_position <= one.position
        assert effect.person_id == WHO.person_id
    elif isinstance(effect, does.CatchUp):
        assert effect.person_id == WHO.person_id


@pytest.mark.parametrize("inputs", shares("sessions"))
def test_sessions(inputs: int) -> None:
    """Whatever a client says and whatever happens, in whatever order, the machine stays within its rules."""
    fuzz(inputs, st.lists(seeds, min_size=1, max_size=12), events)


def wire(steps: list[int], token: str, *, whole: bool) -> bytes:
    """What a client sends after the upgrade: frames of any kind, among them, unless ``whole``, bytes that are none."""
    hello = say(Hello(token=token, device="fuzz")).encode()
    sent = masked(hello) if steps and steps[0] % 4 else b""
    for step in steps:
        made = Random(step)
        how, payload = made.randrange(6 if whole else 8), word(made)[: CLIENT_FRAME_MAX_BYTES + 900]
        first = (0x81, 0x81, 0x01, 0x80, 0x82, 0x89, 0x88, 0x8A, 0xC1, 0x83, 0x09)[made.randrange(11)]
        if how < 4:
            sent += masked(payload)
        elif how < 6:
            sent += masked(payload, first)
        elif how == 6:
            sent += masked(payload[:1])[:1] + bytes((made.randrange(256),)) + payload
        else:
            sent += spoilt_bytes(masked(payload), [step])
    return sent


@pytest.mark.parametrize("inputs", shares("sockets"))
def test_sockets(inputs: int, front: Front) -> None:
    """Any bytes after the upgrade end in a close of the protocol or in silence until the client goes; nothing is logged."""

    def act(steps: list[int]) -> None:
        whole = steps[0] % 3 > 0
        code = front.live(wire(steps, front.tokens["e02a"], whole=whole), whole=whole)
        assert code is None or code in CLOSE_CODES or code in {1002, 1000}, code

    fuzz(inputs, st.lists(seeds, min_size=1, max_size=6), act)
    front.check_log()
