"""The trace: verify every link, row and receipt; hand out a receipt with its proof."""

from __future__ import annotations

import base64

from inbox_store.chain import EMPTY, AuditRow, Link, inclusion_proof, leaf_hash, merkle_root
from inbox_store.engine import Program, Row, Sql
from inbox_store.errors import Refused
from inbox_store.keys import signature_holds
from inbox_store.ledger import COLUMNS, ChargeLine
from inbox_store.nouns import Noun

COMMITS_PER_STEP = 2_000

_NO_BOUND = 9_000_000_000_000_000_000


class Verdict(Noun, frozen=True, kw_only=True):
    """What the verification found: how far it came, the head of the chain, and every fault by its place."""

    commits: int
    rows: int
    receipts: int
    head: str
    faults: tuple[str, ...]


class ProvenReceipt(Noun, frozen=True, kw_only=True):
    """A sign-for receipt that verifies offline: the leaf, its way to the signed root, the signature.

    All byte values are base64; ``key_id`` names the published key.
    """

    format: str
    leaf: str
    leaf_no: int
    leaves: int
    proof: tuple[str, ...]
    commit_no: int
    committed_at: int
    root: str
    key_id: str
    signature: str


def _link(row: Row) -> Link:
    return Link(
        commit_no=row[0],
        at=row[1],
        audit_root=row[2],
        audit_rows=row[3],
        receipt_root=row[4],
        receipts=row[5],
        charge_root=row[9],
        charges=row[10],
    )


def verify(head: bytes | None = None, through: int | None = None) -> Program[Verdict]:
    """Recompute the whole chain. ``head`` with ``through`` is a head exported earlier: a cut tail shows against it."""
    keys = {row[0]: row[1] for row in (yield Sql("trace_keys"))}
    before, expected, rows_seen, receipts_seen = EMPTY, 1, 0, 0
    faults: list[str] = []
    while True:
        links = yield Sql("trace_links", {"after": expected - 1, "limit": COMMITS_PER_STEP})
        if not links:
            break
        window = {"low": expected, "high": links[-1][0]}
        rows = _by_commit((yield Sql("trace_rows", window)))
        receipts = _by_commit((yield Sql("trace_receipts", window)))
        charges = _by_commit((yield Sql("ledger_rows", window)))
        for row in links:
            if row[0] != expected:
                faults.append(f"commit {expected}: 缺失 (missing; next is {row[0]})")
                expected = row[0]
            mine, signed = rows.pop(row[0], []), receipts.pop(row[0], [])
            faults += _check_commit(row, mine, signed, before, keys)
            faults += _check_charges(_link(row), charges.pop(row[0], []))
            rows_seen, receipts_seen = rows_seen + len(mine), receipts_seen + len(signed)
            before, expected = row[8], expected + 1
            if through == row[0] and head is not None and head != row[8]:
                faults.append(f"commit {through}: 与先前导出的链头不符 (differs from the exported head)")
        faults += _without_link(rows, receipts, charges)
    beyond = {"low": expected, "high": _NO_BOUND}
    stray = _by_commit((yield Sql("trace_rows", beyond)))
    signed_beyond = _by_commit((yield Sql("trace_receipts", beyond)))
    faults += _without_link(stray, signed_beyond, _by_commit((yield Sql("ledger_rows", beyond))))
    if through is not None and through >= expected:
        faults.append(
            f"commit {expected}..{through}: 尾部被截断 (the tail up to the exported head is missing)"
        )
    for document_id, unit_id in (yield Sql("trace_signed_copies")):
        faults.append(f"distribution {document_id}/{unit_id}: 已签收但没有回执 (signed without a receipt)")
    return Verdict(
        commits=expected - 1, rows=rows_seen, receipts=receipts_seen, head=before.hex(), faults=tuple(faults)
    )


def _without_link(*found: dict[int, list[Row]]) -> list[str]:
    numbers = sorted({number for rows in found for number in rows})
    return [f"commit {number}: 无链接的留痕行 (rows without a link)" for number in numbers]


def _by_commit(rows: list[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(row)
    return found


def _check_charges(link: Link, rows: list[Row]) -> list[str]:
    """Every fault of the ledger's lines of one commit, the place first."""
    faults = []
    for told in rows:
        place, columns = told[:2], told[2:-1]
        strange = any(isinstance(column, bytes) for column in columns)
        if strange or ChargeLine(**dict(zip(COLUMNS, columns, strict=True))).digest(*place) != told[-1]:
            faults.append(f"charge {place[0]}/{place[1]}: 计费行被改动 (the line was changed)")
    root = merkle_root([told[-1] for told in rows]) if rows else None
    if len(rows) != link.charges or root != link.charge_root:
        faults.append(f"commit {link.commit_no}: 计费行缺失或被改动 (charge lines are missing or changed)")
    return faults


def _check_commit(
    row: Row, rows: list[Row], receipts: list[Row], before: bytes, keys: dict[str, bytes]
) -> list[str]:
    """Every fault of one commit, the place first."""
    try:
        return _faults_of(row, rows, receipts, before, keys)
    except (TypeError, ValueError) as fault:
        return [
            f"commit {row[0]}: 行被改动, 内容无法读取 (a column holds what was never written there: {fault})"
        ]


def _faults_of(
    row: Row, rows: list[Row], receipts: list[Row], before: bytes, keys: dict[str, bytes]
) -> list[str]:
    number, link = row[0], _link(row)
    faults = []
    for told in rows:
        fields = dict(zip(AuditRow.__struct_fields__, told[:8], strict=True))
        # A blob is written nowhere, and would be hashed like the base64 text of it.
        strange = any(isinstance(field, bytes) for field in told[:8])
        if strange or AuditRow(**fields).digest() != told[8]:
            faults.append(f"audit {number}/{told[1]}: 行被改动 (the row was changed)")
    if len(rows) != link.audit_rows or merkle_root([told[8] for told in rows]) != link.audit_root:
        faults.append(f"commit {number}: 留痕行缺失或被改动 (audit rows are missing or changed)")
    hashes = [leaf_hash(told[2]) for told in receipts]
    root = merkle_root(hashes) if hashes else None
    if len(receipts) != link.receipts or root != link.receipt_root:
        faults.append(f"commit {number}: 签收回执缺失或被改动 (receipts are missing or changed)")
    if root is not None and not signature_holds(keys.get(row[6], b""), row[7], link.signed_part()):
        faults.append(f"commit {number}: 回执签名无效 (the receipt signature does not hold)")
    if link.head(before) != row[8]:
        faults.append(f"commit {number}: 链接不符 (the link does not follow from the one before)")
    return faults


def receipt(document_id: int, unit_id: int) -> Program[ProvenReceipt]:
    """The unit's receipt with its inclusion proof. Raises Refused("not_signed")."""
    found = yield Sql("trace_receipt", {"document_id": document_id, "unit_id": unit_id})
    if not found:
        raise Refused("not_signed", document=document_id, unit=unit_id)
    commit_no, leaf_no = found[0]
    ((_, at, _, _, root, leaves, key_id, signature, _),) = yield Sql("trace_link", {"commit_no": commit_no})
    rows = yield Sql("trace_receipts", {"low": commit_no, "high": commit_no})
    hashes = [leaf_hash(row[2]) for row in rows]

    def text(raw: bytes) -> str:
        return base64.b64encode(raw).decode()

    return ProvenReceipt(
        format="songda-receipt/1",
        leaf=text(rows[leaf_no][2]),
        leaf_no=leaf_no,
        leaves=leaves,
        proof=tuple(text(step) for step in inclusion_proof(hashes, leaf_no)),
        commit_no=commit_no,
        committed_at=at,
        root=text(root),
        key_id=key_id,
        signature=text(signature),
    )


def public_keys() -> Program[tuple[tuple[str, bytes, int], ...]]:
    """(key id, Ed25519 public key, valid from) of every receipt key there ever was."""
    return tuple((row[0], row[1], row[2]) for row in (yield Sql("trace_keys")))


def head() -> Program[tuple[int, int, bytes]]:
    """(commit number, at, link) of the last commit: what is exported and signed daily."""
    rows = yield Sql("trace_head")
    return rows[0] if rows else (0, 0, EMPTY)


def page(
    *, before: tuple[int, int], limit: int, subject: str, actor: int, action: str, from_at: int, to_at: int
) -> Program[tuple[AuditRow, ...]]:
    """Lines of the trace, newest first, below (commit_no, no)."""
    params = {"before_commit": before[0], "before_no": before[1], "limit": limit, "subject": subject}
    params |= {"actor": actor, "action": action, "from_at": from_at, "to_at": to_at}
    rows = yield Sql("audit_page", params)
    return tuple(AuditRow(**dict(zip(AuditRow.__struct_fields__, row, strict=True))) for row in rows)
