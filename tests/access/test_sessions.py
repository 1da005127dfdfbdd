"""Refresh, log-out, tickets, keys and remembered principals: what stays good, and how fast it stops."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.flows.account_desk import KeyWish
from gateway.flows.principals import PrincipalCache
from gateway.rules.access import Principal, Target, permit
from gateway.rules.accounts import AccessRules
from gateway.tokens import Holder, new_refresh
from inbox_store.engine import Engine
from inbox_store.errors import Refused
from inbox_store.orgrows import AppointmentRow
from inbox_store.programs.organisation import import_people
from inbox_store.programs.sessions import Chain, refresh_verdict
from inbox_store.times import DAY_US, US, day_of
from tests.access.conftest import OPERATOR, PASSWORD, Office

TEN_S = 10 * US


async def refusal(waited: Awaitable[Any]) -> str:
    """The code with which something is refused."""
    with pytest.raises(Refused) as caught:
        await waited
    return caught.value.code


def chain(**changes: Any) -> Chain:  # noqa: ANN401 - any column of the row
    """A session that was refreshed once, at 100 s."""
    told: dict[str, Any] = {
        "session": "s",
        "account_id": 1,
        "digest": b"good",
        "previous": b"before",
        "rotated_at": 100 * US,
        "refresh_until": 1_000 * US,
        "ends_at": 2_000 * US,
        "ended_at": None,
    }
    return Chain(**{**told, **changes})


@pytest.mark.parametrize(
    ("changes", "digest", "at_s", "verdict"),
    [
        ({}, b"good", 100, "rotate"),
        ({}, b"good", 999, "rotate"),
        ({}, b"good", 1_000, "ended"),
        ({"refresh_until": 5_000 * US}, b"good", 2_000, "ended"),
        ({"ended_at": 50 * US}, b"good", 100, "ended"),
        ({"ended_at": 50 * US}, b"before", 100, "ended"),
        ({}, b"before", 100, "again"),
        ({}, b"before", 110, "again"),
        ({}, b"before", 111, "reused"),
        ({}, b"long before", 100, "reused"),
        ({"previous": None, "rotated_at": None}, b"before", 100, "reused"),
    ],
)
def test_what_a_refresh_token_means(changes: dict[str, Any], digest: bytes, at_s: int, verdict: str) -> None:
    """The newest rotates; the one before is answered again for ten seconds; anything older was stolen from somebody."""
    assert refresh_verdict(chain(**changes), digest, at_s * US, TEN_S) == verdict


async def test_refreshing_goes_on(office: Office) -> None:
    """Each refresh gives a new pair; the session's idle end moves, its absolute end does not."""
    told = await office.enter("clerk")
    for _ in range(3):
        office.clock.forward(6 * 86_400)
        following = await office.access.refresh(told.refresh_token)
        assert following.refresh_token != told.refresh_token
        assert (await office.access.principal_of_bearer(following.access_token)).name == "王芳"
        told = following
    assert told.refresh_expires_at == office.clock.now + 7 * DAY_US
    office.clock.forward(6 * 86_400)
    told = await office.access.refresh(told.refresh_token)
    assert told.refresh_expires_at == office.clock.now + 6 * DAY_US
    office.clock.forward(6 * 86_400)
    assert await refusal(office.access.refresh(told.refresh_token)) == "token_revoked"


async def test_an_idle_session_ends(office: Office) -> None:
    """A week without a refresh, and the person logs in again."""
    told = await office.enter("clerk")
    office.clock.forward(7 * 86_400)
    assert await refusal(office.access.refresh(told.refresh_token)) == "token_revoked"


async def test_a_reused_refresh_token_ends_the_session_for_everybody(office: Office) -> None:
    """The thief's and the owner's tokens both die, with the access tokens of that session; other sessions live on."""
    stolen = await office.enter("clerk")
    other = await office.access.login("clerk", PASSWORD, "10.0.0.9")
    owners = await office.access.refresh(stolen.refresh_token)
    assert (await office.access.principal_of_bearer(owners.access_token)).name == "王芳"
    office.clock.forward(11)
    assert await refusal(office.access.refresh(stolen.refresh_token, "203.0.113.9")) == "token_revoked"
    assert await refusal(office.access.refresh(owners.refresh_token)) == "token_revoked"
    assert await refusal(office.access.principal_of_bearer(owners.access_token)) == "token_revoked"
    assert (await office.access.principal_of_bearer(other.access_token)).name == "王芳"
    assert office.cut[-1] == stolen.account_id
    assert office.rows("select origin from audit where action = 'session.reused'") == [("203.0.113.9",)]


async def test_a_lost_answer_may_be_asked_for_again(office: Office) -> None:
    """A phone that lost the answer asks again within ten seconds; the lost token then counts as used."""
    told = await office.enter("clerk")
    lost = await office.access.refresh(told.refresh_token)
    office.clock.forward(5)
    got = await office.access.refresh(told.refresh_token)
    assert (await office.access.refresh(got.refresh_token)).account_id == told.account_id
    assert await refusal(office.access.refresh(lost.refresh_token)) == "token_revoked"
    assert await refusal(office.access.refresh(got.refresh_token)) == "token_revoked"


@pytest.mark.parametrize("rules", [AccessRules(refresh_grace_s=0)])
async def test_without_grace_the_first_reuse_ends_it(office: Office) -> None:
    """An installation may do without the ten seconds."""
    told = await office.enter("clerk")
    following = await office.access.refresh(told.refresh_token)
    office.clock.forward(1)
    assert await refusal(office.access.refresh(told.refresh_token)) == "token_revoked"
    assert await refusal(office.access.refresh(following.refresh_token)) == "token_revoked"


async def test_strange_refresh_tokens_are_refused(office: Office) -> None:
    """An unknown chain, an access token and any text are refused and end nobody's session."""
    told = await office.enter("clerk")
    for text in (new_refresh().text, told.access_token, "", "sdr_", "\ud800"):
        assert await refusal(office.access.refresh(text)) == "token_revoked"
    assert (await office.access.refresh(told.refresh_token)).name == "王芳"


async def test_a_freeze_that_came_due_stops_a_refresh(office: Office) -> None:
    """Nobody has to sweep: from its date on a freeze is honoured by every token."""
    told = await office.enter("clerk")
    await office.access.freeze(OPERATOR, "clerk", office.clock.now + 600 * US)
    assert (await office.access.principal_of_bearer(told.access_token)).name == "王芳"
    office.clock.forward(600)
    assert await refusal(office.access.refresh(told.refresh_token)) == "account_frozen"
    assert await refusal(office.access.principal_of_bearer(told.access_token)) == "account_frozen"


async def test_log_out_ends_this_session_only(office: Office) -> None:
    """The session's tokens are worth nothing at once; another device stays logged in."""
    here = await office.enter("clerk")
    there = await office.access.login("clerk", PASSWORD)
    who = await office.access.principal_of_bearer(here.access_token)
    await office.access.logout(who, "10.0.0.1")
    assert await refusal(office.access.principal_of_bearer(here.access_token)) == "token_revoked"
    assert await refusal(office.access.refresh(here.refresh_token)) == "token_revoked"
    assert not await office.access.still_valid(who)
    assert (await office.access.principal_of_bearer(there.access_token)).name == "王芳"
    assert office.trace()[-1] == ("session.logout", f"account:{here.account_id}")


async def test_a_trial_token_without_a_session_can_be_taken_back(office: Office) -> None:
    """Logging out with a token that no session stands behind puts that token on the list of spent ones."""
    token = await office.access.trial_token(OPERATOR, "clerk")
    who = await office.access.principal_of_bearer(token.text)
    await office.access.logout(who)
    assert await refusal(office.access.principal_of_bearer(token.text)) == "token_revoked"
    assert not await office.access.still_valid(who)
    assert (await office.principal("clerk")).name == "王芳"


async def test_revoking_ends_every_token_at_once(office: Office) -> None:
    """Sessions, trial tokens and live sessions of the account end; the person may log in again."""
    told = await office.enter("clerk")
    trial = await office.access.trial_token(OPERATOR, "clerk")
    ticket = office.access.live_ticket(await office.access.principal_of_bearer(told.access_token))
    live = await office.access.principal_of_ticket(ticket.text)
    assert await office.access.still_valid(live)
    await office.access.revoke(await office.principal("security"), "clerk")
    for token in (told.access_token, trial.text):
        assert await refusal(office.access.principal_of_bearer(token)) == "token_revoked"
    assert not await office.access.still_valid(live)
    assert office.cut[-1] == told.account_id
    assert (await office.access.login("clerk", PASSWORD)).name == "王芳"


async def test_a_ticket_opens_one_live_session(office: Office) -> None:
    """The first use gives the person of the log-in; the second, on any connection, is refused."""
    told = await office.enter("clerk")
    who = await office.access.principal_of_bearer(told.access_token)
    ticket = office.access.live_ticket(who)
    live = await office.access.principal_of_ticket(ticket.text)
    assert (live.person_id, live.grants, live.session) == (who.person_id, who.grants, who.session)
    assert await office.access.still_valid(live)
    assert await refusal(office.access.principal_of_ticket(ticket.text)) == "token_invalid"
    assert await refusal(office.access.principal_of_bearer(ticket.text)) == "token_invalid"
    assert await refusal(office.access.principal_of_ticket(told.access_token)) == "token_invalid"


async def test_a_ticket_runs_out(office: Office) -> None:
    """Thirty seconds, and no longer."""
    ticket = office.access.live_ticket(await office.principal("clerk"))
    assert ticket.expires_at == office.clock.now + 30 * US
    office.clock.forward(30)
    assert await refusal(office.access.principal_of_ticket(ticket.text)) == "token_invalid"


async def test_a_ticket_of_an_ended_session_opens_nothing(office: Office) -> None:
    """Between the ticket and its use the session may end."""
    told = await office.enter("clerk")
    who = await office.access.principal_of_bearer(told.access_token)
    ticket = office.access.live_ticket(who)
    await office.access.logout(who)
    assert await refusal(office.access.principal_of_ticket(ticket.text)) == "token_revoked"


async def test_a_live_session_outlives_its_token_but_not_the_account(office: Office) -> None:
    """The access token's end cuts no socket; a freeze does, from its date on and without any nudge."""
    told = await office.enter("clerk")
    who = await office.access.principal_of_bearer(told.access_token)
    live = await office.access.principal_of_ticket(office.access.live_ticket(who).text)
    office.clock.forward(3_600)
    assert await refusal(office.access.principal_of_bearer(told.access_token)) == "token_invalid"
    assert await office.access.still_valid(live)
    await office.access.freeze(OPERATOR, "clerk", office.clock.now + 60 * US)
    assert await office.access.still_valid(live)
    office.clock.forward(60)
    assert not await office.access.still_valid(live)


async def test_tokens_of_no_account_and_of_another_epoch_are_refused(office: Office) -> None:
    """A signature alone is not enough: the account and its epoch must be there."""
    tokens, now = office.access.tokens, office.clock.now
    clerk = office.account_id("clerk")
    for holder in (
        Holder(account_id=999_999, epoch=0),
        Holder(account_id=clerk, epoch=1),
        Holder(account_id=clerk, epoch=0, session="never opened"),
    ):
        assert (
            await refusal(office.access.principal_of_bearer(tokens.access(holder, now).text))
            == "token_revoked"
        )


async def test_a_session_belongs_to_its_account(office: Office) -> None:
    """A token that names another account's session is refused."""
    told = await office.enter("second")
    session = (await office.access.principal_of_bearer(told.access_token)).session
    holder = Holder(account_id=office.account_id("clerk"), epoch=0, session=session)
    token = office.access.tokens.access(holder, office.clock.now).text
    assert await refusal(office.access.principal_of_bearer(token)) == "token_revoked"


async def test_grants_follow_the_posts_of_the_moment(office: Office) -> None:
    """A person of two units has two grants; when a post ends its rights end within the moment of remembering."""
    token = await office.access.trial_token(OPERATOR, "both")
    who = await office.access.principal_of_bearer(token.text)
    assert len({grant.unit_id for grant in who.grants}) == len({grant.county_id for grant in who.grants}) == 2
    await _end_posts(office, "both", "W01")
    office.clock.forward(5)
    assert len((await office.access.principal_of_bearer(token.text)).grants) == 1
    nobody = await office.principal("nobody")
    assert nobody.grants == frozenset()


async def _end_posts(office: Office, login: str, unit: str) -> None:
    """Let the person's post in the unit have ended yesterday, as an import with an end date does."""
    yesterday = day_of(office.clock.now) - timedelta(days=1)
    ended = AppointmentRow(person_code=login, unit_code=unit, post="科员", to_day=yesterday)
    await office.store.engine.write(import_people((), (ended,), office.store.keys.phones, office.clock.now))


@dataclass
class CountedEngine:
    """A real engine that counts how often it is asked."""

    inner: Engine
    reads: int = 0

    async def read(self, program: Any) -> Any:  # noqa: ANN401 - passes through whatever the program gives
        """Count and pass on."""
        self.reads += 1
        return await self.inner.read(program)

    async def write(self, program: Any, *, bulk: bool = False) -> Any:  # noqa: ANN401
        """Pass on."""
        return await self.inner.write(program, bulk=bulk)

    async def write_each(self, each: Any, order: Any) -> Any:  # noqa: ANN401
        """Pass on."""
        return await self.inner.write_each(each, order)


async def test_a_busy_client_costs_one_look_a_moment(office: Office) -> None:
    """A hundred requests within five seconds read the store once, the next moment once more."""
    told = await office.enter("clerk")
    office.access.engine = counted = CountedEngine(office.store.engine)
    for _ in range(100):
        await office.access.principal_of_bearer(told.access_token)
    assert counted.reads == 1
    office.clock.forward(5)
    await office.access.principal_of_bearer(told.access_token)
    assert counted.reads == 2


async def test_a_remembered_token_still_runs_out(office: Office) -> None:
    """Remembering does not stretch a token's life."""
    token = await office.access.trial_token(OPERATOR, "clerk", life_s=3)
    await office.access.principal_of_bearer(token.text)
    office.clock.forward(3)
    assert await refusal(office.access.principal_of_bearer(token.text)) == "token_invalid"


def somebody(account_id: int) -> Principal:
    """A principal of this account."""
    return Principal(person_id=1, account_id=account_id, name="", grants=frozenset())


def test_what_was_read_before_a_revocation_is_not_remembered_after_it() -> None:
    """A slow look into the store that began before the revocation does not bring the principal back."""
    cache = PrincipalCache(10)
    generation = cache.generation
    cache.forget(1)
    cache.put(b"token", somebody(1), 0, 100, generation)
    assert cache.get(b"token", 0) is None


def test_an_account_is_forgotten_with_all_its_tokens() -> None:
    """Every token of the account goes, those of others stay."""
    cache = PrincipalCache(10)
    for digest, account in ((b"a", 1), (b"b", 1), (b"c", 2)):
        cache.put(digest, somebody(account), 0, 100, cache.generation)
    cache.forget(1)
    assert [cache.get(digest, 0) is not None for digest in (b"a", b"b", b"c")] == [False, False, True]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3), st.booleans()), max_size=60))
def test_the_cache_stays_within_its_bound(steps: list[tuple[int, int, bool]]) -> None:
    """However it is used, it holds at most what it may, and never a principal of another token."""
    cache = PrincipalCache(4)
    for token, account, forget in steps:
        if forget:
            cache.forget(account)
        else:
            cache.put(bytes([token]), somebody(account), 0, 100, cache.generation)
            found = cache.get(bytes([token]), 0)
            assert found is not None
            assert found.account_id == account
        assert len(cache) <= 4


PLACE = (
    "select c.unit_id, c.county_id from unit_county c join unit u on u.id = c.unit_id where u.code = 'E01'"
)

WISH = KeyWish(
    unit="E01", name="县教育局办公系统", login="clerk", actions=frozenset({"dispatch.submit", "org.read"})
)


async def test_a_key_acts_for_its_unit(office: Office) -> None:
    """The key's principal has its own grant and its actions only, and an account id no person has."""
    security = await office.principal("security")
    key_id, text = await office.access.create_api_key(security, WISH)
    who = await office.access.principal_of_api_key(text)
    (grant,) = who.grants
    ((unit_id, county_id),) = office.rows(PLACE)
    assert (who.kind, who.name, who.account_id) == ("api_key", "县教育局办公系统", -key_id)
    assert (grant.role, grant.unit_id, grant.county_id) == ("clerk", unit_id, county_id)
    assert who.actions == WISH.actions
    assert text not in str(office.rows("select * from api_key"))
    with pytest.raises(Refused, match="forbidden"):
        office.access.live_ticket(who)


async def test_a_revoked_key_stops_at_once(office: Office) -> None:
    """Remembered or not: after the revocation the key is refused, and its live work is cut."""
    key_id, text = await office.access.create_api_key(OPERATOR, WISH)
    who = await office.access.principal_of_api_key(text)
    assert await office.access.still_valid(who)
    await office.access.revoke_api_key(OPERATOR, who.token_id)
    assert await refusal(office.access.principal_of_api_key(text)) == "token_invalid"
    assert not await office.access.still_valid(who)
    assert office.cut[-1] == -key_id
    assert [held for _, held in await office.access.api_keys(OPERATOR)] == [False]


async def test_a_key_runs_out(office: Office) -> None:
    """At the end of its days the key is refused, also when it was just remembered."""
    _, text = await office.access.create_api_key(OPERATOR, WISH)
    office.clock.forward(365 * 86_400 - 1)
    assert (await office.access.principal_of_api_key(text)).kind == "api_key"
    office.clock.forward(1)
    assert await refusal(office.access.principal_of_api_key(text)) == "token_invalid"


async def test_strange_keys_are_refused(office: Office) -> None:
    """An unknown prefix, a right prefix with another secret, an access token: all alike."""
    _, text = await office.access.create_api_key(OPERATOR, WISH)
    last = "A" if text[-2] != "A" else "B"
    for wrong in (text[:-2] + last + text[-1], "sdk_00000000_" + "a" * 43, text[:-1], "", "密钥"):
        assert await refusal(office.access.principal_of_api_key(wrong)) == "token_invalid"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"actions": frozenset()}, "key_actions"),
        ({"actions": frozenset({"document.sign"})}, "key_actions"),
        ({"actions": frozenset({"dispatch.burn"})}, "key_actions"),
        ({"role": "administrator"}, "key_role"),
        ({"days": 0}, "key_days"),
        ({"days": 401}, "key_days"),
        ({"unit": "nowhere"}, "not_found"),
        ({"login": "ghost"}, "not_found"),
    ],
)
async def test_a_key_that_may_not_be_is_refused(office: Office, changes: dict[str, Any], code: str) -> None:
    """No key signs, decides or administers, and none lives for ever; nothing is stored."""
    told = {name: getattr(WISH, name) for name in KeyWish.__struct_fields__}
    assert await refusal(office.access.create_api_key(OPERATOR, KeyWish(**{**told, **changes}))) == code
    assert office.rows("select * from api_key") == []


async def test_only_security_gives_out_keys(office: Office) -> None:
    """The administrator, a clerk and the auditor are refused; the list shows what is within reach."""
    for login in ("admin", "county", "clerk", "auditor"):
        who = await office.principal(login)
        assert await refusal(office.access.create_api_key(who, WISH)) == "forbidden"
        assert await office.access.api_keys(who) == []
    await office.access.create_api_key(await office.principal("security"), WISH)
    assert len(await office.access.api_keys(await office.principal("security"))) == 1


async def test_purging_forgets_only_what_has_ended(office: Office) -> None:
    """Run-out sessions, spent tickets and old counts go; what still matters stays."""
    told = await office.enter("clerk")
    who = await office.access.principal_of_bearer(told.access_token)
    await office.access.principal_of_ticket(office.access.live_ticket(who).text)
    await refusal(office.access.login("ghost", PASSWORD))
    await office.access.purge()
    assert (await office.access.refresh(told.refresh_token)).name == "王芳"
    office.clock.forward(61 * 86_400)
    await office.access.purge()
    for table in ("login_session", "spent_token", "login_throttle"):
        assert office.rows(f"select * from {table}") == []  # noqa: S608 - the test's own words
    assert len(office.rows("select * from login")) == 1


async def test_a_token_says_who_may_sign(office: Office) -> None:
    """From a log-in to a decision: the clerk signs for the own unit and for no other."""
    told = await office.enter("clerk")
    who = await office.access.principal_of_bearer(told.access_token)
    signed = {
        code
        for code, unit, county in office.rows(
            "select u.code, u.id, c.county_id from unit u join unit_county c on c.unit_id = u.id"
        )
        if permit(who, "document.sign", Target(unit_id=unit, county_id=county))
    }
    assert signed == {"E01"}
