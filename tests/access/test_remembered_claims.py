"""A token's signature is verified once; where its account stands is asked again and again."""

from __future__ import annotations

import pytest

from gateway.rules.accounts import AccessRules
from gateway.tokens import Audience, Claims, Tokens
from inbox_store.errors import Refused
from inbox_store.programs import account_care as care
from inbox_store.programs.copies import Actor
from tests.access.conftest import OPERATOR, Office


class CountedTokens(Tokens):
    """Counts how often a token is taken apart."""

    reads = 0

    def read(self, text: str, audience: Audience, now: int) -> Claims:
        """Count and pass on."""
        self.reads += 1
        return super().read(text, audience, now)


@pytest.fixture
def counted(office: Office) -> CountedTokens:
    """The office's tokens, counted."""
    told = CountedTokens(office.access.tokens.ring)
    office.access.tokens = told
    return told


async def test_the_signature_is_verified_once(office: Office, counted: CountedTokens) -> None:
    """Moments later the store is asked again, the signature is not."""
    token = (await office.enter("clerk")).access_token
    for _ in range(3):
        await office.access.principal_of_bearer(token)
        office.clock.forward(6)
    assert counted.reads == 1


async def test_what_another_process_takes_back_is_gone_in_a_moment(office: Office) -> None:
    """A remembered signature gives nobody a longer stay: freezing at the machine is seen with the next look."""
    told = await office.enter("clerk")
    await office.access.principal_of_bearer(told.access_token)
    now = office.clock.now
    await office.store.engine.write(care.freeze(told.account_id, now, now, Actor(person_id=0, name="root")))
    office.clock.forward(6)
    with pytest.raises(Refused, match="token_revoked"):
        await office.access.principal_of_bearer(told.access_token)


async def test_a_remembered_signature_ends_with_its_token(office: Office, counted: CountedTokens) -> None:
    """At its end the token is read again, and refused."""
    token = await office.access.trial_token(OPERATOR, "clerk", life_s=10)
    await office.access.principal_of_bearer(token.text)
    office.clock.forward(10)
    with pytest.raises(Refused, match="token_invalid"):
        await office.access.principal_of_bearer(token.text)
    assert counted.reads == 2


async def test_a_forged_token_is_never_remembered(office: Office, counted: CountedTokens) -> None:
    """Each showing of a bad token is judged anew."""
    token = (await office.enter("clerk")).access_token
    for _ in range(2):
        with pytest.raises(Refused, match="token_invalid"):
            await office.access.principal_of_bearer(token[:-4] + "AAAA")
    assert counted.reads == 2


class TestFew:
    """With room for two."""

    @pytest.fixture
    def rules(self) -> AccessRules:
        """Two are remembered."""
        return AccessRules(principal_cache_max=2)

    async def test_what_is_remembered_is_bounded(self, office: Office, counted: CountedTokens) -> None:
        """The oldest gives way."""
        tokens = [(await office.access.trial_token(OPERATOR, "clerk")).text for _ in range(3)]
        for text in (*tokens, tokens[0]):
            await office.access.principal_of_bearer(text)
        assert counted.reads == 4


async def test_many_are_asked_about_in_one_read(office: Office) -> None:
    """Each gets its own answer."""
    clerk, staff = await office.principal("clerk"), await office.principal("staff")
    await office.access.freeze(OPERATOR, "staff")
    assert await office.access.all_valid([clerk, staff, clerk]) == [True, False, True]
