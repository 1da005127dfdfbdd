"""Activation, log-in and their locks, over a real store: what a person meets and what is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest
from argon2 import PasswordHasher

from gateway.passwords import Passwords
from gateway.rules.accounts import AccessRules
from gateway.rules.passwords import USED_BEFORE
from inbox_store.errors import Refused
from tests.access.conftest import OPERATOR, PASSWORD, Office, quick_hasher

WRONG = "Qiu-Yue3-Ye"
MINUTE = 60


async def refusal(waited: Awaitable[Any]) -> tuple[str, dict[str, Any]]:
    """The code and parameters with which something is refused."""
    with pytest.raises(Refused) as caught:
        await waited
    return caught.value.code, caught.value.params


async def test_a_person_activates_and_is_logged_in(office: Office) -> None:
    """The code of the list and a good password give a session; the account is active and the log-in is counted."""
    told = await office.enter("clerk")
    who = await office.access.principal_of_bearer(told.access_token)
    assert (who.name, who.person_id, who.account_id) == ("王芳", told.person_id, told.account_id)
    assert [(grant.role, grant.scope) for grant in who.grants] == [("clerk", "unit")]
    assert office.rows("select state, failures, activation_hash from account where login = 'clerk'") == [
        ("active", 0, None)
    ]
    assert office.rows("select origin, interactive from login") == [("10.0.0.1", 1)]


async def test_login_with_the_password(office: Office) -> None:
    """Later log-ins need the password alone; blanks around the login do not matter."""
    first = await office.enter("clerk")
    told = await office.access.login(" clerk ", PASSWORD, "10.0.0.2")
    assert told.account_id == first.account_id
    assert (told.access_expires_at, told.refresh_expires_at) == (
        office.clock.now + 900 * 1_000_000,
        office.clock.now + 7 * 86_400 * 1_000_000,
    )
    assert len(office.rows("select * from login where interactive = 1")) == 2


async def test_a_code_is_good_once(office: Office) -> None:
    """The same code does not set a second password."""
    code = await office.code("clerk")
    await office.access.activate("clerk", code, PASSWORD)
    assert await refusal(office.access.activate("clerk", code, WRONG)) == ("code_invalid", {})


async def test_a_code_is_typed_as_people_type(office: Office) -> None:
    """Small letters, other separators, O for 0 and L for 1 are understood."""
    code = await office.code("clerk")
    typed = code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert (await office.access.activate("clerk", typed, PASSWORD)).name == "王芳"


async def test_a_code_belongs_to_one_account(office: Office) -> None:
    """A colleague's code does not open this account, and an older code gives way to a newer one."""
    first, other = await office.code("clerk"), await office.code("second")
    second = await office.code("clerk")
    assert (await refusal(office.access.activate("clerk", other, PASSWORD)))[0] == "code_invalid"
    assert (await refusal(office.access.activate("clerk", first, PASSWORD)))[0] == "code_invalid"
    assert (await office.access.activate("clerk", second, PASSWORD)).name == "王芳"


async def test_a_code_runs_out(office: Office) -> None:
    """After its days a code is refused and the account still waits."""
    code = await office.code("clerk")
    office.clock.forward(30 * 86_400)
    assert (await refusal(office.access.activate("clerk", code, PASSWORD)))[0] == "code_invalid"
    assert office.rows("select state from account where login = 'clerk'") == [("pending",)]


async def test_a_weak_password_spends_no_code(office: Office) -> None:
    """All faults are told; the code stays good for the next try and nothing counts as a failure."""
    code = await office.code("clerk")
    refused, params = await refusal(office.access.activate("clerk", code, "clerk"))
    assert refused == "password_weak"
    assert len(params["faults"]) == 3
    assert params["reason"] == "；".join(params["faults"])
    assert (await office.access.activate("clerk", code, PASSWORD)).name == "王芳"


@pytest.mark.parametrize("login", ["clerk", "ghost", "second", "clerk' or '1'='1", "", "\ud800", "甲" * 200])
async def test_nobody_learns_which_logins_exist(office: Office, login: str) -> None:
    """A wrong password, an unknown login and an account without a password: the same answers, up to the lock."""
    await office.enter("clerk")
    answers = [await refusal(office.access.login(login, WRONG, f"10.0.1.{n}")) for n in range(7)]
    lock = ("locked", {"retry_after_s": 1800})
    assert answers == [("login_failed", {})] * 4 + [lock] * 3


@pytest.mark.parametrize("login", ["clerk", "ghost"])
async def test_nobody_learns_by_the_code_either(office: Office, login: str) -> None:
    """A wrong code and an unknown login: the same answers, counted and locked alike."""
    answers = [
        await refusal(office.access.activate(login, "0000-0000-0000-0000", PASSWORD)) for _ in range(6)
    ]
    lock = ("locked", {"retry_after_s": 1800})
    assert answers == [("code_invalid", {})] * 4 + [lock] * 2


class CountingHasher(PasswordHasher):
    """A real hasher that counts its work."""

    __slots__ = ("verified",)

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified: list[str] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> Any:  # noqa: A002, ANN401 - the library's own signature
        """Verify and remember under which parameters."""
        self.verified.append(str(hash).split("$")[3])
        return super().verify(hash, password)


async def test_an_unknown_login_costs_what_a_wrong_password_costs(office: Office) -> None:
    """Each failing attempt verifies one hash of the same parameters, whether there is an account or not."""
    await office.enter("clerk")
    hasher = CountingHasher()
    office.access.passwords = Passwords(hasher)
    for login in ("clerk", "ghost", "second"):
        await refusal(office.access.login(login, WRONG))
    office.access.passwords.close()
    assert hasher.verified == ["m=8,t=1,p=1"] * 3


async def test_a_lock_ends_by_itself(office: Office) -> None:
    """Locked for thirty minutes, with the right password too; then the right password opens again."""
    await office.enter("clerk")
    for _ in range(5):
        await refusal(office.access.login("clerk", WRONG))
    assert await refusal(office.access.login("clerk", PASSWORD)) == ("locked", {"retry_after_s": 1800})
    office.clock.forward(30 * MINUTE - 0.5)
    assert await refusal(office.access.login("clerk", PASSWORD)) == ("locked", {"retry_after_s": 1})
    office.clock.forward(0.5)
    assert (await office.access.login("clerk", PASSWORD)).name == "王芳"


async def test_a_success_sets_the_count_back(office: Office) -> None:
    """Four failures, a success, four failures: no lock, because they were not in a row."""
    await office.enter("clerk")
    for _ in range(2):
        for _ in range(4):
            assert (await refusal(office.access.login("clerk", WRONG)))[0] == "login_failed"
        await office.access.login("clerk", PASSWORD)


async def test_guesses_in_parallel_get_no_more_tries(office: Office) -> None:
    """Twenty guesses at once lock the account; the right password among the last of them does not slip through."""
    await office.enter("clerk")
    guesses = [f"{WRONG}{n}" for n in range(20)] + [PASSWORD]
    answers = await asyncio.gather(
        *(office.access.login("clerk", guess) for guess in guesses), return_exceptions=True
    )
    assert [answer.code for answer in answers if isinstance(answer, Refused)].count("locked") >= 15
    assert isinstance(answers[-1], Refused)
    ((until,),) = office.rows("select locked_until from account where login = 'clerk'")
    assert until == office.clock.now + 30 * MINUTE * 1_000_000


async def test_security_lifts_a_lock_and_the_administrator_does_not(office: Office) -> None:
    """Unlocking belongs to the security administrator (three separated duties)."""
    await office.enter("clerk")
    for _ in range(5):
        await refusal(office.access.login("clerk", WRONG))
    admin = await office.principal("admin")
    assert (await refusal(office.access.unlock(admin, "clerk")))[0] == "forbidden"
    await office.access.unlock(await office.principal("security"), "clerk")
    assert (await office.access.login("clerk", PASSWORD)).name == "王芳"


@pytest.mark.parametrize("rules", [AccessRules(login_per_minute_per_address=10)])
async def test_one_address_may_only_try_so_often(office: Office) -> None:
    """Ten attempts a minute from one address, whatever the logins; another address and the next minute are free."""
    await office.enter("clerk", origin="10.9.9.9")
    for n in range(10):
        assert (await refusal(office.access.login(f"ghost{n}", WRONG, "10.0.0.7")))[0] == "login_failed"
    office.clock.forward(20)
    assert await refusal(office.access.login("clerk", PASSWORD, "10.0.0.7")) == (
        "throttled",
        {"retry_after_s": 40},
    )
    assert (await office.access.login("clerk", PASSWORD, "10.0.0.8")).name == "王芳"
    office.clock.forward(40)
    assert (await office.access.login("clerk", PASSWORD, "10.0.0.7")).name == "王芳"


async def test_a_frozen_account_is_told_so_only_by_its_password(office: Office) -> None:
    """With the right password a frozen account hears that it is frozen, with a wrong one it hears what all hear."""
    await office.enter("clerk")
    await office.access.freeze(OPERATOR, "clerk")
    assert (await refusal(office.access.login("clerk", PASSWORD)))[0] == "account_frozen"
    assert (await refusal(office.access.login("clerk", WRONG)))[0] == "login_failed"


async def test_a_frozen_account_is_not_activated(office: Office) -> None:
    """A code handed out before the freeze opens nothing after it."""
    code = await office.code("clerk")
    await office.access.freeze(OPERATOR, "clerk")
    assert (await refusal(office.access.activate("clerk", code, PASSWORD)))[0] == "account_frozen"


async def test_older_hashes_are_renewed_at_log_in(office: Office) -> None:
    """A log-in under new parameters stores a new hash; the password stays the same."""
    await office.enter("clerk")
    query = "select password_hash from account where login = 'clerk'"
    ((before,),) = office.rows(query)
    stronger = Passwords(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    office.access.passwords, weaker = stronger, office.access.passwords
    await office.access.login("clerk", PASSWORD)
    ((after,),) = office.rows(query)
    assert ("t=1" in before, "t=2" in after) == (True, True)
    assert (await office.access.login("clerk", PASSWORD)).name == "王芳"
    assert office.rows(query) == [(after,)]
    stronger.close()
    office.access.passwords = weaker


async def test_a_changed_password_ends_every_other_session(office: Office) -> None:
    """The old password, the old access token and the old refresh token are all worth nothing."""
    earlier = await office.enter("clerk")
    who = await office.access.principal_of_bearer(earlier.access_token)
    told = await office.access.change_password(who, PASSWORD, WRONG)
    assert (await refusal(office.access.login("clerk", PASSWORD)))[0] == "login_failed"
    assert (await refusal(office.access.principal_of_bearer(earlier.access_token)))[0] == "token_revoked"
    assert (await refusal(office.access.refresh(earlier.refresh_token)))[0] == "token_revoked"
    assert (await office.access.principal_of_bearer(told.access_token)).name == "王芳"
    assert office.cut[-1] == told.account_id


async def test_changing_needs_the_old_password(office: Office) -> None:
    """A stolen session cannot guess the password behind it: failures lock like those of a log-in."""
    told = await office.enter("clerk")
    who = await office.access.principal_of_bearer(told.access_token)
    answers = [
        (await refusal(office.access.change_password(who, WRONG, "Dong-Xue9-Lu")))[0] for _ in range(6)
    ]
    assert answers == ["login_failed"] * 4 + ["locked"] * 2


async def test_the_last_five_passwords_do_not_come_back(office: Office) -> None:
    """Under mlps3 the password in use and the four before it are refused; the one before those is free again."""
    told = await office.enter("clerk", "Password-Nr0-x")
    for n in range(1, 6):
        who = await office.access.principal_of_bearer(told.access_token)
        told = await office.access.change_password(who, f"Password-Nr{n - 1}-x", f"Password-Nr{n}-x")
    who = await office.access.principal_of_bearer(told.access_token)
    for n in range(1, 6):
        assert await refusal(office.access.change_password(who, "Password-Nr5-x", f"Password-Nr{n}-x")) == (
            "password_weak",
            {"reason": USED_BEFORE, "faults": [USED_BEFORE]},
        )
    assert (await office.access.change_password(who, "Password-Nr5-x", "Password-Nr0-x")).name == "王芳"
    assert len(office.rows("select * from password_history")) == 5


@pytest.mark.parametrize("rules", [AccessRules(password_policy="asvs")])
async def test_under_asvs_a_password_may_come_back(office: Office) -> None:
    """The other policy keeps no history and asks for no kinds of characters."""
    told = await office.enter("clerk", "spring wind blows")
    who = await office.access.principal_of_bearer(told.access_token)
    assert (await office.access.change_password(who, "spring wind blows", "spring wind blows")).name == "王芳"


async def test_a_forgotten_password_is_set_anew_with_a_code(office: Office) -> None:
    """A new code for an active account sets a new password and ends the earlier sessions."""
    earlier = await office.enter("clerk")
    told = await office.enter("clerk", WRONG)
    assert (await refusal(office.access.principal_of_bearer(earlier.access_token)))[0] == "token_revoked"
    assert told.account_id == earlier.account_id
    assert (await office.access.login("clerk", WRONG)).name == "王芳"


async def test_everything_leaves_a_trace_and_no_secret(office: Office) -> None:
    """Codes, activation, failures, lock and log-in stand in the trace, in order; nothing typed stands anywhere."""
    code = await office.code("clerk")
    await office.access.activate("clerk", code, PASSWORD)
    await refusal(office.access.login("clerk", WRONG))
    await refusal(office.access.login("a password typed into the wrong box", WRONG))
    await office.access.login("clerk", PASSWORD)
    subject = f"account:{office.account_id('clerk')}"
    assert office.trace() == [
        ("account.code", subject),
        ("account.activate", subject),
        ("account.login_failed", subject),
        ("account.login_failed", "account:0"),
        ("account.login", subject),
    ]
    told = b"".join(path.read_bytes() for path in office.store.folder.glob("songda.db*"))
    for secret in (code, PASSWORD, WRONG, "a password typed into the wrong box"):
        assert secret.encode() not in told


async def test_a_full_pool_is_told_to_come_back(office: Office) -> None:
    """When no hash can wait any more, the attempt is refused as busy and no failure is counted."""
    await office.enter("clerk")
    full = Passwords(quick_hasher(), workers=1, queue_max=-1)
    office.access.passwords, roomy = full, office.access.passwords
    assert await refusal(office.access.login("clerk", PASSWORD)) == ("busy", {"retry_after_s": 5})
    assert office.rows("select failures from account where login = 'clerk'") == [(0,)]
    full.close()
    office.access.passwords = roomy
