"""A certificate of one's own for far ends on this machine: made at the start, trusted by whoever is handed it."""

from __future__ import annotations

import ipaddress
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from inbox_store.times import US
from push.app.http2.ports import PROTOCOL

HOSTS: Final = ("localhost",)
ADDRESSES: Final = ("127.0.0.1", "::1")
VALID: Final = timedelta(days=365)


class Certificate(NamedTuple):
    """In PEM; the certificate is its own issuer."""

    pem: str
    key_pem: str


def make_certificate(now: int) -> Certificate:
    """For ``localhost`` and the loopback addresses, from ``now`` (UTC microseconds) on for a year."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "songda push-sim")])
    since = datetime.fromtimestamp(now / US, UTC)
    hosts = [*map(x509.DNSName, HOSTS), *(x509.IPAddress(ipaddress.ip_address(one)) for one in ADDRESSES)]
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since - timedelta(hours=1))
        .not_valid_after(since + VALID)
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    key_pem = key.private_bytes(encoding, form, serialization.NoEncryption())
    return Certificate(made.public_bytes(encoding).decode(), key_pem.decode())


def server_tls(certificate: Certificate, *protocols: str) -> ssl.SSLContext:
    """The far end's side; ``protocols`` for ALPN, ``h2`` where none is named."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(protocols or (PROTOCOL,))
    with tempfile.TemporaryDirectory(prefix="songda-tls-") as folder:
        # Python reads keys from files only.
        file = Path(folder, "both.pem")
        file.touch(mode=0o600)
        file.write_text(certificate.key_pem + certificate.pem, encoding="ascii")
        context.load_cert_chain(file)
    return context
