"""Digests, Merkle trees and links, against the definition in RFC 6962 written down plainly."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox_store.chain import (
    EMPTY,
    AuditRow,
    Link,
    canonical,
    inclusion_proof,
    leaf_hash,
    merkle_root,
    root_of_proof,
)

LEAVES = st.lists(st.binary(max_size=8), min_size=1, max_size=40)


def plain_root(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, as it stands there."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    cut = 1
    while cut * 2 < len(leaves):
        cut *= 2
    return hashlib.sha256(b"\x01" + plain_root(leaves[:cut]) + plain_root(leaves[cut:])).digest()


@pytest.mark.parametrize("count", range(1, 70))
def test_the_root_is_that_of_the_standard(count: int) -> None:
    """For every number of leaves the root equals the recursive definition."""
    leaves = [bytes([no]) * 3 for no in range(count)]
    assert merkle_root([leaf_hash(leaf) for leaf in leaves]) == plain_root(leaves)


def test_known_roots() -> None:
    """The first vectors of Certificate Transparency's own tests come out."""
    leaves = [b"", b"\x00", b"\x10", b" !", b"01", b"@ABC", b"PQRSTUVW", b"`abcdefghijklmno"]
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert merkle_root([leaf_hash(leaf) for leaf in leaves]).hex() == (
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    )
    assert merkle_root([]) == EMPTY


@given(LEAVES)
def test_every_leaf_proves_its_place(leaves: list[bytes]) -> None:
    """The proof of each leaf leads to the root."""
    hashes = [leaf_hash(leaf) for leaf in leaves]
    root = merkle_root(hashes)
    for index, leaf in enumerate(leaves):
        assert root_of_proof(leaf, index, len(leaves), inclusion_proof(hashes, index)) == root


@given(LEAVES, st.data())
def test_a_flipped_byte_proves_nothing(leaves: list[bytes], data: st.DataObject) -> None:
    """A changed leaf, a changed step, a step more or less never lead to the root."""
    hashes = [leaf_hash(leaf) for leaf in leaves]
    root, index = merkle_root(hashes), data.draw(st.integers(0, len(leaves) - 1))
    proof = inclusion_proof(hashes, index)
    count = len(leaves)
    assert root_of_proof(leaves[index] + b"x", index, count, proof) != root
    assert root_of_proof(leaves[index], index, count, [*proof, EMPTY]) != root
    if proof:
        place, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
        flipped = bytearray(proof[place])
        flipped[bit // 8] ^= 1 << bit % 8
        assert (
            root_of_proof(leaves[index], index, count, [*proof[:place], bytes(flipped), *proof[place + 1 :]])
            != root
        )
        assert root_of_proof(leaves[index], index, count, proof[:-1]) != root


@given(st.integers(1, 40), st.data())
def test_a_leaf_proves_no_other_place(count: int, data: st.DataObject) -> None:
    """The proof of one leaf holds for no other index, and for no index outside the tree."""
    leaves = [bytes([no]) for no in range(count)]
    hashes = [leaf_hash(leaf) for leaf in leaves]
    index, other = data.draw(st.integers(0, count - 1)), data.draw(st.integers(-2, count + 2))
    found = root_of_proof(leaves[index], other, count, inclusion_proof(hashes, index))
    assert (found == merkle_root(hashes)) is (other == index)


def test_a_node_is_no_leaf() -> None:
    """An inner node cannot be passed off as a leaf: both are hashed apart."""
    hashes = [leaf_hash(b"a"), leaf_hash(b"b")]
    assert leaf_hash(hashes[0] + hashes[1]) != merkle_root(hashes)


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=6))
def test_the_same_value_is_the_same_bytes(value: dict[str, int | str]) -> None:
    """The order in which keys were put in does not show."""
    turned = dict(reversed(list(value.items())))
    assert canonical(value) == canonical(turned)


ROW = AuditRow(commit_no=3, no=0, at=5, actor=7, action="a.b", subject="c:1", origin="10.0.0.1", detail="{}")


@pytest.mark.parametrize(
    "change",
    [
        {"commit_no": 4},
        {"no": 1},
        {"at": 6},
        {"actor": 8},
        {"action": "a.c"},
        {"subject": "c:2"},
        {"origin": "10.0.0.2"},
        {"detail": '{"x":1}'},
        {"action": 'a.b","c:1', "subject": ""},
    ],
)
def test_every_column_is_in_the_digest(change: dict[str, object]) -> None:
    """Changing any column of a line changes its digest; text cannot slide from one column into the next."""
    columns = {name: getattr(ROW, name) for name in AuditRow.__struct_fields__}
    assert AuditRow(**{**columns, **change}).digest() != ROW.digest()


LINK = Link(commit_no=2, at=9, audit_root=EMPTY, audit_rows=1, receipt_root=leaf_hash(b"r"), receipts=1)


@pytest.mark.parametrize(
    "change",
    [
        {"commit_no": 3},
        {"at": 8},
        {"audit_root": leaf_hash(b"")},
        {"audit_rows": 2},
        {"receipt_root": leaf_hash(b"s")},
        {"receipt_root": None},
        {"receipts": 2},
    ],
)
def test_every_part_of_a_commit_is_in_its_head(change: dict[str, object]) -> None:
    """Changing any part of a commit, or what went before, changes the head."""
    told = {name: getattr(LINK, name) for name in Link.__struct_fields__}
    assert Link(**{**told, **change}).head(EMPTY) != LINK.head(EMPTY)
    assert LINK.head(leaf_hash(b"before")) != LINK.head(EMPTY)


WORD = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | WORD,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORD, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(WORD, VALUES, max_size=6))
def test_the_canonical_form_is_plain_sorted_json(value: dict[str, Any]) -> None:
    """Anybody can make the same bytes with the JSON of another language: sorted keys, no blanks, UTF-8."""
    plain = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    assert canonical(value) == plain
