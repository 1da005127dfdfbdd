"""Verifies a sign-for receipt offline: a file, a published key, nothing else."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from inbox_store.chain import Link, root_of_proof
from inbox_store.keys import signature_holds


def verify_receipt(told: Mapping[str, Any], keys: Mapping[str, bytes]) -> tuple[dict[str, Any] | None, str]:
    """What was signed for, or None, and the finding in words.

    ``told`` is a ``songda-receipt/1`` object, ``keys`` maps key ids to raw Ed25519 public keys. Checks the leaf's way to
    the root (RFC 9162 §2.1.3) and the signature over commit number, time, count and root.
    """
    try:
        leaf = base64.b64decode(told["leaf"], validate=True)
        root = base64.b64decode(told["root"], validate=True)
        proof = [base64.b64decode(step, validate=True) for step in told["proof"]]
        signature = base64.b64decode(told["signature"], validate=True)
        number, at, leaves = int(told["commit_no"]), int(told["committed_at"]), int(told["leaves"])
        index, key_id = int(told["leaf_no"]), str(told["key_id"])
    except (KeyError, TypeError, ValueError, binascii.Error) as fault:
        return None, f"回执文件残缺 (the receipt is incomplete: {fault})"
    if key_id not in keys:
        return None, f"没有编号为 {key_id} 的公钥 (no such published key)"
    if root_of_proof(leaf, index, leaves, proof) != root:
        return None, "回执内容与证明不符 (the content does not lead to the signed root)"
    link = Link(commit_no=number, at=at, audit_root=b"", audit_rows=0, receipt_root=root, receipts=leaves)
    if not signature_holds(keys[key_id], signature, link.signed_part()):
        return None, "签名无效 (the signature does not hold)"
    return dict(json.loads(leaf)), "签收回执有效 (valid)"
