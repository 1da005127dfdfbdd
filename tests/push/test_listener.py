"""The side that is connected to: who may come in, what is taken, and a carrier that reports over its own connection."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from push.sms.bucket import Pace
from push.sms.carrier import ClientDialect, InboundAnswer, SubmitAnswer
from push.sms.happenings import SessionRules
from push.sms.listener import ListenerLimits
from push.sms.ports import LinkLimits
from tests.push.gateway_world import FAST, Gateway, House, linked, serving, until
from tests.push.tiny_dialect import TinyClient, pdu, segment


def reporting(message_id: str) -> Callable[[ClientDialect, int], bytes]:
    """A report from the side that connects."""
    return lambda dialect, sequence: cast("TinyClient", dialect).report(sequence, message_id)


async def test_a_carrier_that_reports_over_its_own_connection() -> None:
    """SGIP §5: it logs in to us, tells, and has its answers when all is stored, in one batch or several."""
    house, ours = House(), Gateway()
    async with serving(ours), linked(house, ours.listener.port) as carrier:
        await until(lambda: carrier.state.up)
        found = await carrier.submit_all([reporting(f"r{number}") for number in range(9)])
    assert all(isinstance(one, InboundAnswer) and one.ok for one in found)
    assert [one.what.message_id for one in ours.came if one.what] == [f"r{number}" for number in range(9)]  # type: ignore[union-attr]


async def test_a_listener_that_takes_no_reports_answers_none() -> None:
    """What nobody stores is not answered, though it was heard."""
    house, ours = House(), Gateway()
    heard = asyncio.Event()

    async def refuse(_inbounds: object) -> None:
        heard.set()
        raise ValueError("not here")

    ours.listener._intake._store = refuse
    async with (
        serving(ours),
        linked(house, ours.listener.port, LinkLimits(session=FAST, stop_timeout_s=0.1)) as carrier,
    ):
        await until(lambda: carrier.state.up)
        waiting = asyncio.create_task(carrier.submit_all([reporting("r")]))
        await heard.wait()
        await until(lambda: carrier.free == 3)
        assert not waiting.done()
    await waiting


async def said_to(port: int, said: bytes) -> bytes:
    """What a stranger hears until the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(said)
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_who_may_not_connect_is_cut_unheard() -> None:
    """From a foreign network not a byte is answered."""
    ours = Gateway(ListenerLimits(networks=("10.0.0.0/8", "fd00::/8")))
    async with serving(ours):
        assert await said_to(ours.listener.port, pdu("H", 1, b"office")) == b""
        assert not ours.listener.callers


async def test_one_caller_too_many_is_cut_unheard() -> None:
    """Whoever is in stays."""
    ours = Gateway(ListenerLimits(callers_max=1))
    async with serving(ours), linked(House(), ours.listener.port) as link:
        await until(lambda: link.state.up)
        assert await said_to(ours.listener.port, pdu("H", 1, b"office")) == b""
        assert isinstance(await link.submit(segment("a")), SubmitAnswer)


async def test_a_refused_login_is_told_and_hung_up() -> None:
    """The protocol's own code goes out before the end."""
    ours = Gateway()
    ours.refusal = 3
    async with serving(ours):
        reader, writer = await asyncio.open_connection("127.0.0.1", ours.listener.port)
        writer.write(pdu("H", 1, b"thief"))
        assert await reader.read() == pdu("W", 1, b"\3")
        writer.close()
        await until(lambda: [end.why for end in ours.ends] == ["refused"])
        assert not ours.listener.callers


async def test_a_caller_that_says_nothing_is_hung_up() -> None:
    """No log-in in time, no connection."""
    ours = Gateway(ListenerLimits(session=SessionRules(login_timeout_s=0.05)))
    async with serving(ours):
        reader, writer = await asyncio.open_connection("127.0.0.1", ours.listener.port)
        assert await reader.read() == b""
        writer.close()
        await until(lambda: [end.why for end in ours.ends] == ["login_timeout"])


async def test_a_slow_peer_sends_a_pdu_byte_by_byte() -> None:
    """It is heard all the same."""
    ours = Gateway()
    async with serving(ours):
        reader, writer = await asyncio.open_connection("127.0.0.1", ours.listener.port)
        for byte in pdu("H", 1, b"office") + pdu("P", 2):
            writer.write(bytes((byte,)))
            await writer.drain()
            await asyncio.sleep(0)
        assert await reader.readexactly(15) == pdu("W", 1, b"\0") + pdu("p", 2)
        writer.close()


def certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway")]), datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    built = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
    signed = built.add_extension(address, critical=False).sign(key, hashes.SHA256())
    path = folder / "gateway.pem"
    encoding = serialization.Encoding.PEM
    plain = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(plain + signed.public_bytes(encoding))
    return path


async def test_a_channel_over_tls(tmp_path: Path) -> None:
    """A gateway whose certificate we know is served; one that we do not know gets not a byte of the log-in."""
    pem = certificate(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    knowing, strange = ssl.create_default_context(cafile=str(pem)), ssl.create_default_context()
    house, other, gateway = House(), House(), Gateway()
    async with serving(gateway, server):
        async with linked(house, gateway.listener.port, tls=knowing) as link:
            await until(lambda: link.state.up)
            assert isinstance(await link.submit(segment("a")), SubmitAnswer)
        async with linked(other, gateway.listener.port, tls=strange) as link:
            await until(lambda: link.state.why == "unreachable")
            assert "CERTIFICATE_VERIFY_FAILED" in link.state.note
        assert [text for _, text in gateway.texts] == ["a"]


async def test_flooding_reports_stops_the_reading() -> None:
    """Where the store is slow only so many wait; the rest stay in the socket, and all come in the end."""
    house, ours = House(), Gateway(ListenerLimits(inbound_max=20, batch_max=5))
    door = asyncio.Event()
    store = ours.store

    async def slowly(inbounds: object) -> None:
        await door.wait()
        await store(inbounds)  # type: ignore[arg-type]

    ours.listener._intake._store = slowly
    limits = LinkLimits(session=SessionRules(window=500), pace=Pace(rate_per_s=1e6))
    async with serving(ours), linked(house, ours.listener.port, limits) as carrier:
        await until(lambda: carrier.state.up)
        waiting = asyncio.create_task(carrier.submit_all([reporting(f"r{number}") for number in range(400)]))
        await until(lambda: bool(ours.listener._intake._paused))
        door.set()
        found = await waiting
        assert len(ours.came) == 400
    assert all(isinstance(one, InboundAnswer) for one in found)
