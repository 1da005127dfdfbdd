"""The trace and the receipts as mathematics: digests, Merkle trees, links. No store, no clock, no files.

Leaves and nodes are hashed apart (RFC 6962 §2.1), so that no inner node can be passed off as a receipt.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

_SORTED = msgspec.json.Encoder(order="sorted")

EMPTY = hashlib.sha256(b"songda:empty").digest()
"""The root of no leaves, and the link before the first commit."""


def canonical(value: Mapping[str, Any]) -> bytes:
    """JSON with sorted keys and no blanks in UTF-8: the same value is the same bytes, on every machine and version."""
    return _SORTED.encode(value)


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of one leaf (RFC 6962 §2.1)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def _node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _split(count: int) -> int:
    """The largest power of two below ``count`` (> 1): where the left subtree ends."""
    return 1 << ((count - 1).bit_length() - 1)


def merkle_root(hashes: Sequence[bytes]) -> bytes:
    """The Merkle root over leaf hashes (RFC 6962 §2.1); EMPTY for none."""
    if not hashes:
        return EMPTY
    level = list(hashes)
    # Pairing level by level, an odd last node moving up unchanged, gives RFC 6962's tree without recursion.
    while len(level) > 1:
        paired = [_node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = paired + level[len(paired) * 2 :]
    return level[0]


def inclusion_proof(hashes: Sequence[bytes], index: int) -> list[bytes]:
    """The sibling hashes from leaf ``index`` up to the root (RFC 6962 §2.1.1)."""
    if len(hashes) == 1:
        return []
    cut = _split(len(hashes))
    if index < cut:
        return [*inclusion_proof(hashes[:cut], index), merkle_root(hashes[cut:])]
    return [*inclusion_proof(hashes[cut:], index - cut), merkle_root(hashes[:cut])]


def root_of_proof(leaf: bytes, index: int, count: int, proof: Sequence[bytes]) -> bytes | None:
    """The root that ``proof`` gives for leaf number ``index`` of ``count``; None where the shape is wrong (RFC 9162 §2.1.3)."""
    if not 0 <= index < count:
        return None
    node, last, seen = index, count - 1, leaf_hash(leaf)
    for sibling in proof:
        if last == 0:
            return None
        if node & 1 or node == last:
            seen = _node_hash(sibling, seen)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            seen = _node_hash(seen, sibling)
        node, last = node >> 1, last >> 1
    return seen if last == 0 else None


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the trace as it is hashed and stored; ``detail`` is canonical JSON text."""

    commit_no: int
    no: int
    at: int
    actor: int
    action: str
    subject: str
    origin: str
    detail: str

    def digest(self) -> bytes:
        """The leaf hash over every column: a changed row no longer fits its digest."""
        told = [
            self.commit_no,
            self.no,
            self.at,
            self.actor,
            self.action,
            self.subject,
            self.origin,
            self.detail,
        ]
        return leaf_hash(_SORTED.encode(told))


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """What one commit adds to the chain."""

    commit_no: int
    at: int
    audit_root: bytes
    audit_rows: int
    receipt_root: bytes | None
    receipts: int
    charge_root: bytes | None = None
    charges: int = 0

    def head(self, before: bytes) -> bytes:
        """SHA-256 over the previous link and this commit: cutting or changing anything earlier changes every head."""
        told = f"{self.commit_no}|{self.at}|{self.audit_rows}|{self.receipts}|".encode()
        roots = self.audit_root + (self.receipt_root or b"")
        if self.charge_root:  # commits without a charge hash as they did before there was a ledger
            roots += f"|{self.charges}|".encode() + self.charge_root
        return hashlib.sha256(before + told + roots).digest()

    def signed_part(self) -> bytes:
        """The bytes under the receipt key's signature."""
        return f"songda-receipts|{self.commit_no}|{self.at}|{self.receipts}|".encode() + (
            self.receipt_root or b""
        )
