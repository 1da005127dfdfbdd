"""The signed head of the trace: exported daily to another machine, so that cutting the tail cannot go unseen.

A chain alone proves nothing about its end: whoever holds the file may cut the newest commits and the rest still
verifies. A head kept elsewhere, with its signature, shows it (architecture, Decided 6).
"""

from __future__ import annotations

from collections.abc import Mapping

from inbox_store.errors import Refused
from inbox_store.keys import ReceiptKey, signature_holds
from inbox_store.nouns import Noun
from inbox_store.times import iso

FORMAT = "songda-head/1"


class SignedHead(Noun, frozen=True, kw_only=True):
    """The head after commit ``commit_no``; ``link`` and ``signature`` (Ed25519, by the receipt key) in hexadecimal.

    ``committed_at`` is UTC microseconds and part of what is signed; ``at`` says the same for people (+08:00).
    """

    format: str = FORMAT
    commit_no: int
    committed_at: int
    at: str
    link: str
    key_id: str
    signature: str


def signed_part(commit_no: int, committed_at: int, link: str) -> bytes:
    """The bytes under the signature."""
    return f"{FORMAT}|{commit_no}|{committed_at}|{link}".encode()


def sign_head(commit_no: int, committed_at: int, link: bytes, key: ReceiptKey) -> SignedHead:
    """The head as it is handed out."""
    told = link.hex()
    return SignedHead(
        commit_no=commit_no,
        committed_at=committed_at,
        at=iso(committed_at),
        link=told,
        key_id=key.key_id,
        signature=key.sign(signed_part(commit_no, committed_at, told)).hex(),
    )


def check_head(head: SignedHead, keys: Mapping[str, bytes]) -> bytes:
    """The link of a head whose signature holds. ``keys``: published keys, raw, by id. Raises Refused("head_invalid")."""
    try:
        link, signature = bytes.fromhex(head.link), bytes.fromhex(head.signature)
    except ValueError:
        raise Refused("head_invalid", reason="链头或签名不是十六进制数") from None
    if head.format != FORMAT or head.key_id not in keys:
        raise Refused("head_invalid", reason=f"没有编号为 {head.key_id} 的公钥")
    part = signed_part(head.commit_no, head.committed_at, head.link)
    if not signature_holds(keys[head.key_id], signature, part):
        raise Refused("head_invalid", reason="签名无效")
    return link
