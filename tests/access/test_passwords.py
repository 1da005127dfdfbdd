"""Passwords: what each policy refuses, and hashing that neither stops the loop nor queues without end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from gateway.passwords import Match, Passwords
from gateway.rules.passwords import (
    COMMON,
    HAS_LOGIN,
    LENGTH_MAX,
    TOO_LONG,
    TOO_PLAIN,
    TOO_SHORT,
    UNPRINTABLE,
    PasswordPolicy,
    faults,
    normal,
)
from inbox_store.errors import Refused
from tests.access.conftest import quick_hasher

SHORT = TOO_SHORT.format(8)


@pytest.mark.parametrize(
    ("password", "mlps3", "asvs"),
    [
        ("Chun-Feng7-Hua", [], []),
        ("春风Hua7又绿江南岸", [], []),
        ("Ab1-xyz", [SHORT], [SHORT]),
        ("", [SHORT, TOO_PLAIN, COMMON], [SHORT, COMMON]),
        ("horsebatterystaple", [TOO_PLAIN], []),
        ("horse battery staple", [TOO_PLAIN], []),
        ("Horse battery staple", [], []),
        ("HORSEBATTERY7", [TOO_PLAIN], []),
        ("Horsebattery7", [], []),
        ("P@ssw0rd2024!", [COMMON], [COMMON]),
        ("Password1!", [COMMON], [COMMON]),
        ("Admin@123", [COMMON], [COMMON]),
        ("Qwerty_2026", [COMMON], [COMMON]),
        ("1qaz2wsx", [TOO_PLAIN, COMMON], [COMMON]),
        ("88888888", [TOO_PLAIN, COMMON], [COMMON]),
        ("aAaAaAaAaA", [TOO_PLAIN, COMMON], [COMMON]),
        ("x-P00123-Yz", [HAS_LOGIN], [HAS_LOGIN]),
        ("x-p00123-Yz", [HAS_LOGIN], [HAS_LOGIN]),
        ("Chun\tFeng7-Hua", [UNPRINTABLE], [UNPRINTABLE]),
        ("Chun\x00Feng7-Hua", [UNPRINTABLE], [UNPRINTABLE]),
        ("Xy-7" * 33, [TOO_LONG], [TOO_LONG]),
    ],
)
def test_what_a_policy_refuses(password: str, mlps3: list[str], asvs: list[str]) -> None:
    """All faults are told at once, by either policy; only mlps3 asks for kinds of characters."""
    assert mlps3 == faults(password, login="p00123", policy="mlps3")
    assert asvs == faults(password, login="p00123", policy="asvs")


def test_a_longer_minimum_is_told() -> None:
    """The installation's own minimum counts and stands in the message."""
    assert faults("Chun-Feng7", login="p1", length_min=12) == ["密码至少 12 位"]


def test_a_login_of_two_letters_forbids_nothing() -> None:
    """A very short login would appear in every second password."""
    assert faults("Chun-Feng7-Hua", login="un") == []


@given(st.text(max_size=200), st.sampled_from(["mlps3", "asvs"]), st.text(max_size=20))
def test_any_text_gets_an_answer(password: str, policy: PasswordPolicy, login: str) -> None:
    """No text breaks the check, and what passes has a length one can type and hash."""
    if not faults(password, login=login, policy=policy):
        assert 8 <= len(normal(password)) <= LENGTH_MAX
        normal(password).encode()


@pytest.fixture
async def passwords() -> AsyncIterator[Passwords]:
    """A pool at its cheapest."""
    told = Passwords(quick_hasher())
    yield told
    told.close()


async def test_a_hash_fits_its_password_only(passwords: Passwords) -> None:
    """The right password fits, another does not, and two hashes of one password differ."""
    stored = await passwords.hash("Chun-Feng7-Hua")
    assert stored.startswith("$argon2id$")
    assert stored != await passwords.hash("Chun-Feng7-Hua")
    assert await passwords.verify(stored, "Chun-Feng7-Hua") == Match(ok=True)
    assert await passwords.verify(stored, "Chun-Feng7-Hui") == Match(ok=False)


async def test_two_ways_to_type_a_letter_are_one(passwords: Passwords) -> None:
    """A composed and a decomposed letter are the same password (RFC 8265)."""
    assert (await passwords.verify(await passwords.hash("Caf\u00e9-7-Chun"), "Cafe\u0301-7-Chun")).ok


async def test_no_account_and_a_broken_hash_fit_nothing(passwords: Passwords) -> None:
    """Without a stored hash, or with a damaged one, the answer is no; never an error."""
    for stored in (None, "", "plain", "$argon2id$v=19$m=8,t=1,p=1$broken"):
        assert await passwords.verify(stored, "Chun-Feng7-Hua") == Match(ok=False)


async def test_half_a_character_is_a_wrong_password(passwords: Passwords) -> None:
    """What JSON can smuggle in but UTF-8 cannot carry is refused like any wrong password."""
    stored = await passwords.hash("Chun-Feng7-Hua")
    assert await passwords.verify(stored, "\ud800") == Match(ok=False)


async def test_other_parameters_ask_for_a_new_hash(passwords: Passwords) -> None:
    """A hash made under earlier parameters still fits and is marked for renewal."""
    earlier = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash("Chun-Feng7-Hua")
    assert await passwords.verify(earlier, "Chun-Feng7-Hua") == Match(ok=True, rehash=True)
    assert await passwords.verify(earlier, "other") == Match(ok=False)


async def test_one_of_several(passwords: Passwords) -> None:
    """A password is found among earlier ones."""
    stored = [await passwords.hash(text) for text in ("one-One-1", "two-Two-2")]
    assert await passwords.among(stored, "two-Two-2")
    assert not await passwords.among(stored, "three-Three-3")
    assert not await passwords.among([], "one-One-1")


class GatedHasher(PasswordHasher):
    """A real hasher that counts how many run at a time and waits at a gate the test opens."""

    __slots__ = ("_lock", "gate", "most", "running", "started")

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.gate = threading.Event()
        self.started = threading.Semaphore(0)
        self.running = self.most = 0
        self._lock = threading.Lock()

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        """Hash, once the gate is open."""
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        self.started.release()
        self.gate.wait(10)
        with self._lock:
            self.running -= 1
        return super().hash(password, salt=salt)


async def _begun(hasher: GatedHasher, count: int) -> None:
    for _ in range(count):
        await asyncio.to_thread(hasher.started.acquire, timeout=10)


async def test_two_run_a_few_wait_and_the_rest_is_told_to_come_back() -> None:
    """Two hashes at a time, a bounded queue behind them, and "busy" with a time for everybody else."""
    hasher = GatedHasher()
    pool = Passwords(hasher, workers=2, queue_max=3)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(pool.hash(f"password-{number}")) for number in range(5)]
        await _begun(hasher, 2)
        with pytest.raises(Refused) as caught:
            await pool.verify(None, "one too many")
        assert (caught.value.code, caught.value.params) == ("busy", {"retry_after_s": 5})
        assert pool.waiting == 5
        hasher.gate.set()
    assert len({task.result() for task in tasks}) == 5
    assert hasher.most == 2
    assert (await pool.verify(tasks[0].result(), "password-0")).ok
    pool.close()


async def test_a_caller_who_leaves_keeps_the_place_until_the_thread_is_done() -> None:
    """A cancelled request does not make room while its hash still takes a core; one that waited makes room at once."""
    hasher = GatedHasher()
    pool = Passwords(hasher, workers=1, queue_max=1)
    running = asyncio.create_task(pool.hash("running"))
    await _begun(hasher, 1)
    waiting = asyncio.create_task(pool.hash("waiting"))
    await asyncio.sleep(0)
    running.cancel()
    waiting.cancel()
    await asyncio.gather(running, waiting, return_exceptions=True)
    await asyncio.sleep(0)
    assert pool.waiting == 1
    hasher.gate.set()
    assert (await pool.hash("next")).startswith("$argon2id$")
    pool.close()
