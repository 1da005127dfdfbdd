"""The limits of the live server as a whole; every queue, wait and count has one, with its unit in the name."""

from __future__ import annotations

import msgspec

from realtime.rules import SessionRules


class LiveLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Defaults fit one city of 101,800 persons on one small machine."""

    session: SessionRules = SessionRules()

    sessions_max: int = 25_000
    """Open sockets. Above it the door answers 503 and a client waits before it comes again."""

    sessions_per_address_max: int = 10_000
    """Open sockets of one address. High: a whole county office building may stand behind one."""

    greeting_max: int = 4_000
    """Sockets that have not been admitted yet: a storm of strangers cannot take the places of those who are known."""

    devices_max: int = 8
    """Sessions of one person; above it the oldest gives way."""

    queue_max_bytes: int = 256 * 1024
    """Unsent bytes at which a slow reader is cut off (close 1013); it resumes without loss."""

    kernel_queue_bytes: int = 64 * 1024
    """The socket's send buffer in the kernel (Linux doubles it); left alone it may grow to 4 MiB for a stalled reader."""

    slice_sends: int = 64
    """Sends in one turn of the loop: API p99 stays at 2-3 ms while thousands are served (limits.md, design 4)."""

    plan_rows: int = 2_048
    """Rows of an arrival planned in one turn of the loop, about a millisecond."""

    nudges_max: int = 20_000
    """Nudges (weighed by what they tell) that may wait; above it everybody reads for themselves."""

    batch_max: int = 512
    """Nudges (weighed) handed out together."""

    reads_max: int = 8
    """Catch-up reads at once: a storm of returning clients does not starve the API of readers."""

    read_timeout_s: float = 5
    authenticate_timeout_s: float = 8
    slow_timeout_s: float = 30
    """How long a catch-up waits for the socket to take more before the reader counts as too slow."""

    close_timeout_s: float = 3
    """How long the closing handshake may take; then the socket is cut."""

    counts_linger_s: float = 0.25
    """Changes of one person's counts within this time make one frame."""

    acks_max: int = 50_000
    ack_linger_s: float = 0.002
    ack_timeout_s: float = 30

    sweep_s: float = 1
    """How often timers are looked at."""

    retry_after_s: int = 5
    """What a client that is turned away is told."""

    freeze_every: int = 1_000
    """After so many new connections what lives is taken out of the garbage collector's sight (acked unicast x1.5);
    0 leaves the collector alone."""

    bye_grace_s: float = 0.25
    """From the bye of a stopping server to the close: acks that are on their way come in."""

    drain_spread_ms: int = 5_000
    """Clients of a stopping server come back spread over this time."""
