"""Facts of sessions: chains of refresh tokens, one-use tickets, tokens taken back, and where a principal stands now.

A session is one row however often it is refreshed: the good token's digest and the one before. A token of the chain
that is neither was used before, by its owner or by a thief; nobody can tell which, so the session ends (RFC 9700 §4.14).
"""

from __future__ import annotations

import hmac
from typing import Literal

from inbox_store.engine import Audit, Program, Row, Sql
from inbox_store.nouns import AccountState, Noun, Role, RoleScope
from inbox_store.programs.copies import Actor


def named(actor: Actor) -> dict[str, object]:
    """For the trace: an operator at the machine is no person of the office and is told by name."""
    return {} if actor.person_id else {"by": actor.name}


class NewSession(Noun, frozen=True, kw_only=True):
    """A session to be opened; times are UTC microseconds. ``chain`` and ``digest`` belong to its first refresh token."""

    id: str
    chain: str
    digest: bytes
    refresh_until: int
    ends_at: int
    origin: str


def open_session(account_id: int, session: NewSession, now: int) -> Program[None]:
    """Open the session of a log-in; part of the fact of logging in."""
    params = {
        "id": session.id,
        "chain": session.chain,
        "account_id": account_id,
        "digest": session.digest,
        "refresh_until": session.refresh_until,
        "ends_at": session.ends_at,
        "created_at": now,
        "origin": session.origin,
    }
    yield Sql("access_session_add", params)


class Chain(Noun, frozen=True, kw_only=True):
    """What the store knows of a session when one of its refresh tokens is presented."""

    session: str
    account_id: int
    digest: bytes
    previous: bytes | None
    rotated_at: int | None
    refresh_until: int
    ends_at: int
    ended_at: int | None


RefreshVerdict = Literal["rotate", "again", "reused", "ended"]


def refresh_verdict(chain: Chain, digest: bytes, now: int, grace_us: int) -> RefreshVerdict:
    """What a presented refresh token means.

    ``again``: the token before the good one, moments after it was used: its answer was lost on the way. It is answered
    with another token in place of the lost one, which then counts as used.
    """
    if chain.ended_at is not None or now >= min(chain.refresh_until, chain.ends_at):
        return "ended"
    if hmac.compare_digest(chain.digest, digest):
        return "rotate"
    before = chain.previous is not None and hmac.compare_digest(chain.previous, digest)
    if before and chain.rotated_at is not None and now <= chain.rotated_at + grace_us:
        return "again"
    return "reused"


class Presented(Noun, frozen=True, kw_only=True):
    """A refresh token as presented, and the digest of the one that would follow it."""

    chain: str
    digest: bytes
    next_digest: bytes
    origin: str


def end_session(session: str, account_id: int, reason: str, now: int, actor: Actor) -> Program[None]:
    """End one session: its refresh tokens and every access token that names it. ``reason`` is the trace's word."""
    yield Sql("access_session_end", {"id": session, "now": now, "reason": reason})
    yield Audit(
        action=f"session.{reason}",
        actor=actor.person_id,
        subject=f"account:{account_id}",
        detail={"session": session},
        origin=actor.origin,
    )


def spend(jti: str, expires_at: int) -> Program[bool]:
    """Take the token id out of use until it runs out; False when it was taken before."""
    ((count,),) = yield Sql("access_spend", {"jti": jti, "expires_at": expires_at})
    return bool(count)


def effective_state(
    state: AccountState, frozen_from: int | None, closed_from: int | None, now: int
) -> AccountState:
    """The state at ``now``: a closing or freeze that came due holds from its instant, whoever swept or did not."""
    if state == "closed" or (closed_from is not None and closed_from <= now):
        return "closed"
    if state == "frozen" or (frozen_from is not None and frozen_from <= now):
        return "frozen"
    return state


class Post(Noun, frozen=True, kw_only=True):
    """One appointment valid now, as far as rights need it; ``county_id`` 0: the unit lies in no county.

    ``for_person``: whose it is, where the person is an agent; 0 for one's own.
    """

    role: Role
    scope: RoleScope
    unit_id: int
    county_id: int
    for_person: int = 0


class Standing(Noun, frozen=True, kw_only=True):
    """Where an account stands at the moment of reading: whether a token still holds, and what it may do.

    ``session_ends_at`` is None when the session asked about has ended or never was; ``spent``: the token id asked
    about is no longer honoured. ``agents`` are those who are agents for the person now.
    """

    account_id: int
    person_id: int
    name: str
    state: AccountState
    epoch: int
    session_ends_at: int | None
    spent: bool
    posts: frozenset[Post]
    agents: frozenset[int] = frozenset()


def standing(account_id: int, session: str, jti: str, now: int) -> Program[Standing | None]:
    """Where the account, this session of it and this token stand at ``now``; None for an unknown account."""
    rows = yield Sql("access_standing", {"account_id": account_id, "session": session, "jti": jti})
    if not rows:
        return None
    row = rows[0]
    whose = {"person_id": row[1], "now": now}
    posts = yield Sql("access_grants", whose)
    agents = yield Sql("access_agents", whose)
    return Standing(
        account_id=row[0],
        person_id=row[1],
        name=row[2],
        state=effective_state(row[3], row[4], row[5], now),
        epoch=row[6],
        session_ends_at=row[7],
        spent=bool(row[8]),
        posts=frozenset(
            Post(role=p[0], scope=p[1], unit_id=p[2], county_id=p[3], for_person=p[4]) for p in posts
        ),
        agents=frozenset(agent_id for (agent_id,) in agents),
    )


class Refreshed(Noun, frozen=True, kw_only=True):
    """How a refresh ended, and whose it was; the new idle end and where the account stands when it goes on."""

    verdict: RefreshVerdict
    account_id: int = 0
    session: str = ""
    refresh_until: int = 0
    standing: Standing | None = None


def refresh(presented: Presented, now: int, *, refresh_us: int, grace_us: int) -> Program[Refreshed]:
    """Rotate the chain, or end the session when a token comes back that was used before. Returns, never raises."""
    rows = yield Sql("access_session_by_chain", {"chain": presented.chain})
    if not rows:
        return Refreshed(verdict="ended")
    chain = _chain(rows[0])
    verdict = refresh_verdict(chain, presented.digest, now, grace_us)
    if verdict == "reused":
        yield from end_session(
            chain.session,
            chain.account_id,
            "reused",
            now,
            Actor(person_id=0, name="", origin=presented.origin),
        )
    if verdict in ("reused", "ended"):
        return Refreshed(verdict=verdict, account_id=chain.account_id, session=chain.session)
    until = min(now + refresh_us, chain.ends_at)
    params = {
        "id": chain.session,
        "digest": presented.next_digest,
        "previous": presented.digest,
        # Asking again does not stretch the moment in which one may ask again.
        "rotated_at": now if verdict == "rotate" else chain.rotated_at,
        "refresh_until": until,
    }
    yield Sql("access_session_rotate", params)
    told = yield from standing(chain.account_id, chain.session, "", now)
    return Refreshed(
        verdict=verdict,
        account_id=chain.account_id,
        session=chain.session,
        refresh_until=until,
        standing=told,
    )


def _chain(row: Row) -> Chain:
    return Chain(
        session=row[0],
        account_id=row[1],
        digest=row[2],
        previous=row[3],
        rotated_at=row[4],
        refresh_until=row[5],
        ends_at=row[6],
        ended_at=row[7],
    )


def redeem(
    account_id: int, session: str, jti: str, expires_at: int, now: int
) -> Program[tuple[bool, Standing | None]]:
    """Use a one-use ticket: (whether this was its first use, where the account stands)."""
    first = yield from spend(jti, expires_at)
    return first, (yield from standing(account_id, session, "", now))


def purge(now: int, *, keep_us: int) -> Program[None]:
    """Forget what no longer matters: sessions ended ``keep_us`` ago, spent ids that ran out, attempts of old windows."""
    yield Sql("access_purge_sessions", {"before": now - keep_us})
    yield Sql("access_purge_spent", {"before": now})
    yield Sql("access_purge_throttle", {"before": now - keep_us})
