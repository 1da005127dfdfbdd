"""`songda receipt`: what is fetched verifies without any server, and a changed one does not."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Town


@pytest.fixture
def receipt(town: Town, text: str, tmp_path: Path) -> Path:
    """A receipt of unit E01, fetched by its clerk."""
    words = ["--title", f"请签收 {tmp_path.name}", "--kind", "slip", "--to-unit", "E01", "--yes", "--json"]
    words += ["--body-file", text]
    document = json.loads(town.done("send", *words, who="sclerk").splitlines()[-1])["document_id"]
    unit = town.unit("E01")
    for _ in range(200):  # the fan-out runs beside the answer
        copies = town.api("GET", f"/units/{unit}/copies?limit=100", "eclerk")["items"]
        if document in [copy["document_id"] for copy in copies]:
            break
    town.api("POST", f"/documents/{document}/units/{unit}/sign", "eclerk", key=f"sign-{document:08d}")
    file = tmp_path / "receipt.json"
    town.done("receipt", "fetch", str(document), "E01", "--out", str(file), who="eclerk")
    return file


@pytest.fixture
def keys(town: Town, tmp_path: Path) -> Path:
    """The published keys as a file."""
    file = tmp_path / "keys.json"
    file.write_text(json.dumps(town.api("GET", "/receipt-keys", "eclerk")), "utf-8")
    return file


def test_a_receipt_verifies_offline(town: Town, receipt: Path, keys: Path) -> None:
    """With the key file no server is asked; unit, signer, time and digest are told."""
    told = town.done("receipt", "verify", str(receipt), "--keys", str(keys), "--server", "http://127.0.0.1:9")
    assert "签收回执有效" in told
    assert "东川县教育局（E01）王芳" in told
    assert "+08:00" in told


def test_a_receipt_verifies_by_the_published_keys(town: Town, receipt: Path) -> None:
    """Without a key file the server's published keys serve, and no token is needed."""
    told = json.loads(town.done("receipt", "verify", str(receipt), "--json"))
    assert (told["valid"], told["signed"]["unit_code"]) == (True, "E01")


def test_a_changed_receipt_is_refused(town: Town, receipt: Path, keys: Path) -> None:
    """One changed letter of the leaf, another key, or half a file: exit code 1 and the reason."""
    told = json.loads(receipt.read_text("utf-8"))
    leaf = json.loads(base64.b64decode(told["leaf"]))
    forged = json.dumps(
        leaf | {"signer_name": "别人"}, ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )
    changes = {
        "内容与证明不符": told | {"leaf": base64.b64encode(forged.encode()).decode()},
        "签名无效": told | {"committed_at": told["committed_at"] + 1},
        "没有编号为": told | {"key_id": "0" * 16},
        "残缺": {name: told[name] for name in ("format", "leaf")},
    }
    for reason, changed in changes.items():
        receipt.write_text(json.dumps(changed), "utf-8")
        result = town.songda("receipt", "verify", str(receipt), "--keys", str(keys))
        assert (result.exit_code, reason in result.stderr) == (1, True), result.output


def test_fetching_overwrites_nothing(town: Town, receipt: Path) -> None:
    """A file that is there stays."""
    before = receipt.read_bytes()
    result = town.songda("receipt", "fetch", "1", "E01", "--out", str(receipt), who="eclerk")
    assert result.exit_code == 1
    assert receipt.read_bytes() == before


def test_another_units_receipt_is_not_shown(town: Town) -> None:
    """Who has no part in the document is refused in words; a unit nobody knows is named."""
    assert town.songda("receipt", "fetch", "1", "E01", who="wclerk").exit_code == 1
    unknown = town.songda("receipt", "fetch", "1", "Z99", who="eclerk")
    assert "没有编码为 Z99 的单位" in unknown.stderr
