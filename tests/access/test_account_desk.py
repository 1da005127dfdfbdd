"""Keeping accounts: codes for a unit, freeze and close by date, and who may do it to whom (F18, F32)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.flows.account_desk import Operator
from gateway.rules.accounts import address_key, code_fits, code_hash, code_of, login_key, normal_code
from inbox_store.errors import Refused
from inbox_store.programs.organisation import sweep, units_due
from inbox_store.times import US
from tests.access.conftest import OPERATOR, PASSWORD, Office


async def refusal(waited: Awaitable[Any]) -> str:
    """The code with which something is refused."""
    with pytest.raises(Refused) as caught:
        await waited
    return caught.value.code


def addressed(office: Office, unit: str) -> set[str]:
    """The logins of those who can be addressed in the unit."""
    found = office.rows(
        "select u.code, c.login from addressee a join unit u on u.id = a.unit_id"
        " join account c on c.person_id = a.person_id"
    )
    return {login for code, login in found if code == unit}


async def test_the_list_of_a_unit_has_a_code_for_everybody(office: Office) -> None:
    """All who never logged in, by person code; each code opens its own account; the store holds only hashes."""
    told = await office.access.activation_codes(OPERATOR, "E01")
    assert told.unit == "东川县教育局"
    assert [line.login for line in told.lines] == ["both", "clerk", "second", "staff"]
    assert all(
        re.fullmatch(r"(?:[0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}", line.code) for line in told.lines
    )
    for line in told.lines:
        assert (await office.access.activate(line.login, line.code, PASSWORD)).name == line.name
    stored = b"".join(path.read_bytes() for path in office.store.folder.glob("songda.db*"))
    assert [line for line in told.lines if line.code.encode() in stored] == []


async def test_codes_that_hold_are_not_replaced_by_the_way(office: Office) -> None:
    """A second list leaves earlier codes alone and does not tell them again; asked for anew, all are replaced."""
    first = {line.login: line.code for line in (await office.access.activation_codes(OPERATOR, "E01")).lines}
    west = await office.access.activation_codes(OPERATOR, "W01")
    assert {line.login: bool(line.code) for line in west.lines} == {"both": False, "west": True}
    anew = await office.access.activation_codes(OPERATOR, "E01", anew=True)
    assert all(line.code and line.code != first[line.login] for line in anew.lines)
    assert await refusal(office.access.activate("clerk", first["clerk"], PASSWORD)) == "code_invalid"


async def test_a_code_that_ran_out_is_replaced(office: Office) -> None:
    """After its days a code gives way in the next list without asking."""
    await office.access.activation_codes(OPERATOR, "E01")
    office.clock.forward(30 * 86_400)
    told = await office.access.activation_codes(OPERATOR, "E01")
    assert all(line.code for line in told.lines)


async def test_no_codes_for_those_who_need_none(office: Office) -> None:
    """Active and frozen accounts are not on the list."""
    await office.enter("clerk")
    await office.access.freeze(OPERATOR, "staff")
    told = await office.access.activation_codes(OPERATOR, "E01")
    assert [line.login for line in told.lines] == ["both", "second"]


async def test_a_frozen_clerk_gets_nothing_and_the_second_does(office: Office) -> None:
    """F18: freeze clerk A, and the next document goes to B only; thawed, A is addressed again."""
    assert addressed(office, "E01") == {"clerk", "second", "staff", "both"}
    await office.access.freeze(OPERATOR, "clerk")
    assert addressed(office, "E01") == {"second", "staff", "both"}
    await office.access.unfreeze(OPERATOR, "clerk")
    assert addressed(office, "E01") == {"clerk", "second", "staff", "both"}


async def test_a_dated_freeze_waits_for_its_day(office: Office) -> None:
    """Until the day all goes on; from it on log-in stops by itself and the sweep takes the person off the list."""
    await office.enter("clerk")
    at = office.clock.now + 86_400 * US
    frozen = await office.access.freeze(OPERATOR, "clerk", at)
    assert (frozen.state, frozen.frozen_from) == ("active", at)
    assert "clerk" in addressed(office, "E01")
    assert (await office.access.login("clerk", PASSWORD)).name == "王芳"
    office.clock.forward(86_400)
    assert await refusal(office.access.login("clerk", PASSWORD)) == "account_frozen"
    due = await office.store.engine.read(units_due(office.clock.now))
    await office.store.engine.write(sweep(due, office.clock.now, last=True))
    assert "clerk" not in addressed(office, "E01")


async def test_a_freeze_announced_can_be_taken_back(office: Office) -> None:
    """Before its day as well as after it; what is not frozen cannot be thawed."""
    await office.enter("clerk")
    await office.access.freeze(OPERATOR, "clerk", office.clock.now + 60 * US)
    thawed = await office.access.unfreeze(OPERATOR, "clerk")
    assert (thawed.state, thawed.frozen_from) == ("active", None)
    assert await refusal(office.access.unfreeze(OPERATOR, "clerk")) == "account_not_frozen"
    office.clock.forward(60)
    assert (await office.access.login("clerk", PASSWORD)).name == "王芳"


async def test_a_thawed_account_that_never_logged_in_still_waits(office: Office) -> None:
    """Without a password the account goes back to waiting for its code."""
    await office.access.freeze(OPERATOR, "clerk")
    assert (await office.access.unfreeze(OPERATOR, "clerk")).state == "pending"


async def test_closing_is_for_good_and_deletes_nothing(office: Office) -> None:
    """A closed account cannot log in, be frozen, thawed, given a code or a token; its rows stay."""
    told = await office.enter("clerk")
    closed = await office.access.close(OPERATOR, "clerk")
    assert closed.state == "closed"
    waits: list[Callable[[], Awaitable[Any]]] = [
        lambda: office.access.login("clerk", PASSWORD),
        lambda: office.access.freeze(OPERATOR, "clerk"),
        lambda: office.access.unfreeze(OPERATOR, "clerk"),
        lambda: office.access.close(OPERATOR, "clerk"),
        lambda: office.access.activation_code(OPERATOR, "clerk"),
        lambda: office.access.trial_token(OPERATOR, "clerk"),
    ]
    assert [await refusal(wait()) for wait in waits] == ["account_closed"] * 6
    assert await refusal(office.access.principal_of_bearer(told.access_token)) == "token_revoked"
    assert office.rows("select count(*) from login") == [(1,)]
    assert "clerk" not in addressed(office, "E01")


async def test_a_county_keeps_its_own_accounts_only(office: Office) -> None:
    """F32: the county's administrator manages the own county; other counties, the city and people of both are refused."""
    county = await office.principal("county")
    assert (await office.access.freeze(county, "clerk")).state == "frozen"
    assert (await office.access.unfreeze(county, "clerk")).state == "pending"
    assert len((await office.access.activation_codes(county, "E01")).lines) == 4
    assert len(await office.access.accounts(county, "E01")) == 4
    for login in ("west", "admin", "both", "nobody"):
        assert await refusal(office.access.freeze(county, login)) == "forbidden"
        assert await refusal(office.access.activation_code(county, login)) == "forbidden"
    for unit in ("W01", "S01"):
        assert await refusal(office.access.activation_codes(county, unit)) == "forbidden"
        assert await refusal(office.access.accounts(county, unit)) == "forbidden"


async def test_who_has_no_such_duty_is_refused_with_a_reason(office: Office) -> None:
    """Clerk, auditor and security freeze nobody; the refusal names the right and who has it."""
    for login in ("clerk", "auditor", "security"):
        who = await office.principal(login)
        with pytest.raises(Refused) as caught:
            await office.access.freeze(who, "staff")
        assert caught.value.code == "forbidden"
        assert caught.value.params == {
            "action": "account.freeze",
            "reason": "“冻结或解冻帐户”需要: 系统管理员(限任职的管辖范围)",
        }
    assert office.rows("select count(*) from account where state = 'frozen'") == [(0,)]


async def test_the_trace_names_who_did_it(office: Office) -> None:
    """A person by id, an operator by name; with the address."""
    admin = await office.principal("admin")
    await office.access.freeze(admin, "clerk", origin="10.0.0.4")
    await office.access.close(Operator(name="root"), "staff")
    told = office.rows(
        "select action, actor, origin, detail from audit where action in ('account.freeze', 'account.close')"
    )
    now = office.clock.now
    assert told == [
        ("account.freeze", admin.person_id, "10.0.0.4", f'{{"from_at":{now}}}'),
        ("account.close", 0, "console", f'{{"by":"operator:root","from_at":{now}}}'),
    ]


async def test_the_list_of_accounts_comes_in_pages(office: Office) -> None:
    """By id, above the last one seen; state, lock and last log-in stand beside each."""
    await office.enter("clerk")
    first = await office.access.accounts(OPERATOR, "E01", limit=3)
    rest = await office.access.accounts(OPERATOR, "E01", after=first[-1].id, limit=3)
    assert [line.login for line in (*first, *rest)] == ["clerk", "second", "staff", "both"]
    assert (first[0].state, first[0].last_login_at) == ("active", office.clock.now)
    assert (first[1].state, first[1].last_login_at) == ("pending", None)


async def test_unknown_accounts_and_units_are_not_found(office: Office) -> None:
    """By login, by id, by code."""
    assert await refusal(office.access.freeze(OPERATOR, "ghost")) == "not_found"
    assert await refusal(office.access.freeze(OPERATOR, 999_999)) == "not_found"
    assert await refusal(office.access.activation_codes(OPERATOR, "X99")) == "not_found"
    assert await refusal(office.access.accounts(OPERATOR, 999_999)) == "not_found"


@pytest.mark.parametrize("life_s", [0, -1, 86_401])
async def test_a_trial_token_has_a_bounded_life(office: Office, life_s: int) -> None:
    """No operator mints a token that outlives a replaced key."""
    with pytest.raises(ValueError, match="life_s"):
        await office.access.trial_token(OPERATOR, "clerk", life_s=life_s)


async def test_a_trial_token_is_recorded_and_is_no_interactive_log_in(office: Office) -> None:
    """It stands in the trace with its id, and does not raise the figures of log-ins."""
    token = await office.access.trial_token(OPERATOR, "clerk")
    ((detail,),) = office.rows("select detail from audit where action = 'account.token_minted'")
    assert token.jti in detail
    assert office.rows("select interactive, origin from login") == [(0, "console")]


@given(st.binary(min_size=10, max_size=10))
def test_a_code_survives_being_read_aloud(told: bytes) -> None:
    """Ten random bytes make four groups of four, and every way to misread a digit leads back to it."""
    code = code_of(told)
    assert normal_code(code) == code
    typed = code.lower().replace("-", "").replace("0", "o").replace("1", "i")
    assert normal_code(f"  {typed}\u3000") == code


@given(st.binary(min_size=10, max_size=10), st.binary(min_size=10, max_size=10))
def test_different_bytes_are_different_codes(one: bytes, other: bytes) -> None:
    """All eighty bits are in the code."""
    assert (code_of(one) == code_of(other)) == (one == other)


@given(st.text(max_size=30))
def test_any_text_is_a_code_or_none(text: str) -> None:
    """No text breaks the reading of codes, and what is read is in the one form."""
    read = normal_code(text)
    assert read is None or normal_code(read) == read


def test_a_code_fits_its_key_account_and_nothing_else() -> None:
    """Another key, another account, another code, no code and no stored hash are all refused."""
    code, other = code_of(b"0123456789"), code_of(b"9876543210")
    stored = code_hash(b"key", 7, code)
    assert code_fits(b"key", 7, code, stored)
    assert not code_fits(b"yek", 7, code, stored)
    assert not code_fits(b"key", 8, code, stored)
    assert not code_fits(b"key", 7, other, stored)
    assert not code_fits(b"key", 7, None, stored)
    assert not code_fits(b"key", 7, code, None)
    assert not code_fits(b"key", 7, None, code_hash(b"key", 7, ""))


@pytest.mark.parametrize(
    ("origin", "key"),
    [
        ("10.0.0.7", "address:10.0.0.7/32"),
        ("::ffff:10.0.0.7", "address:10.0.0.7/32"),
        ("2001:db8:1:2:3:4:5:6", "address:2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "address:2001:db8:1:2::/64"),
        ("", "address:"),
        ("unix", "address:unix"),
        ("x" * 100, "address:" + "x" * 64),
    ],
)
def test_addresses_are_counted_by_host(origin: str, key: str) -> None:
    """One IPv4 address, or one IPv6 network: a host has as many IPv6 addresses as it likes."""
    assert address_key(origin) == key


def test_what_was_typed_as_a_login_is_kept_as_a_digest() -> None:
    """People type passwords into the wrong box; half a surrogate pair breaks nothing."""
    assert "secret" not in login_key("secret")
    assert login_key("\ud800").startswith("login:")
