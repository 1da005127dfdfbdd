"""Files from outside other than organisation files: receipts, settings, calendars, folder rules, attachments."""

from __future__ import annotations

import base64
import io
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from typer import Exit
from typer.testing import CliRunner

from config.faults import ConfigFault
from config.loading import load
from config.sample import sample
from config.settings import Deadlines, Dispatch, Settings
from gateway.assembly import calendar_of, folder_rules_of
from gateway.cli import receipt as receipt_verbs
from gateway.cli.app import app
from gateway.doors.sniffing import MEDIA_TYPES, content_of
from inbox_store.chain import Link, inclusion_proof, leaf_hash, merkle_root
from inbox_store.keys import ReceiptKey
from inbox_store.receipts import verify_receipt
from tests.fuzz.budget import cases, fuzz, shares
from tests.fuzz.mutations import spoilt_bytes, spoilt_json

KEY: Final = ReceiptKey(bytes(range(32)))
LEAVES: Final = tuple(
    msgspec.json.encode(
        {
            "unit_name": f"单位{number}",
            "unit_code": f"U{number}",
            "signer_name": "王芳",
            "signed_at": 1_780_000_000_000_000 + number,
            "document": 31,
            "doc_no": "云政办〔2026〕3 号",
            "digest": "ab" * 32,
            "unread": bool(number % 2),
        }
    )
    for number in range(5)
)


def receipt(index: int) -> bytes:
    """A sound receipt for one of the leaves."""
    hashes = [leaf_hash(leaf) for leaf in LEAVES]
    root = merkle_root(hashes)
    link = Link(commit_no=9, at=7, audit_root=b"", audit_rows=0, receipt_root=root, receipts=len(LEAVES))

    def text(data: bytes) -> str:
        return base64.b64encode(data).decode()

    return msgspec.json.encode(
        {
            "format": "songda-receipt/1",
            "leaf": text(LEAVES[index]),
            "root": text(root),
            "proof": [text(step) for step in inclusion_proof(hashes, index)],
            "signature": text(KEY.sign(link.signed_part())),
            "commit_no": 9,
            "committed_at": 7,
            "leaves": len(LEAVES),
            "leaf_no": index,
            "key_id": KEY.key_id,
        }
    )


RECEIPTS: Final = tuple(receipt(index) for index in range(5))
KEYS: Final = msgspec.json.encode({"keys": [{"key_id": KEY.key_id, "public_key": KEY.public.hex()}]})


def verified(folder: Path, told: bytes, keys: bytes) -> tuple[int, str]:
    """`songda receipt verify` on these two files: exit code and what it printed. Any exception comes through."""
    (folder / "receipt.json").write_bytes(told)
    (folder / "keys.json").write_bytes(keys)
    words = ["receipt", "verify", str(folder / "receipt.json"), "--keys", str(folder / "keys.json")]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    return done.exit_code, done.output


def receipt_and_keys(case: tuple[int, list[int]]) -> tuple[bytes, bytes]:
    """A receipt spoilt beside sound keys, or a sound one beside spoilt keys."""
    which, steps = case
    if which < len(RECEIPTS):
        return spoilt_json(RECEIPTS[which], steps), KEYS
    return RECEIPTS[0], spoilt_json(KEYS, steps)


@pytest.mark.parametrize("inputs", shares("verbs"))
def test_receipt_verb(inputs: int, tmp_path: Path) -> None:
    """`songda receipt verify` finds a receipt valid or not, in words: exit code 0 or 1, never a traceback."""

    def act(case: tuple[int, list[int]]) -> None:
        code, words = verified(tmp_path, *receipt_and_keys(case))
        assert code in {0, 1}
        assert "Traceback" not in words

    assert verified(tmp_path, RECEIPTS[0], KEYS)[0] == 0
    fuzz(inputs, cases(len(RECEIPTS) + 1), act)


@pytest.mark.parametrize("inputs", shares("receipts"))
def test_receipts(inputs: int, tmp_path: Path) -> None:
    """The steps of the verb: a file is read or the run ends by its own word; nothing changed in the leaf is valid."""
    file = tmp_path / "told.json"

    def read(data: bytes) -> dict[str, Any]:
        file.write_bytes(data)
        return receipt_verbs._json_of(file, "文件")

    def act(case: tuple[int, list[int]]) -> None:
        told, keys = receipt_and_keys(case)
        with suppress(Exit):
            leaf, finding = verify_receipt(read(told), receipt_verbs.keys_of(read(keys)))
            assert finding
            if leaf is not None:
                assert msgspec.json.encode(leaf) in LEAVES
                receipt_verbs._words(leaf)

    fuzz(inputs, cases(len(RECEIPTS) + 1), act)


SETTINGS: Final = (
    sample().encode(),
    b'[server]\nport = 8080\norigins = ["https://oa.example.cn"]\n[sms]\nprice_li = 45\n',
    b'[store]\npath = "data"\n[deadlines]\nhours = "08:30-12:00,14:30-18:00"\n[log]\nlevel = "info"\n',
)


@pytest.mark.parametrize("inputs", shares("settings"))
def test_settings(inputs: int, tmp_path: Path) -> None:
    """A configuration file and environment give settings, or every fault in words."""
    file = tmp_path / "songda.toml"

    def act(case: tuple[int, list[int]]) -> None:
        text = spoilt_bytes(SETTINGS[case[0]], case[1])
        file.write_bytes(text)
        environ = {"SONGDA__SERVER__PORT": text[-5:].decode(errors="surrogateescape")} if case[1] else {}
        with suppress(ConfigFault):
            assert isinstance(load(file, environ).settings, Settings)

    fuzz(inputs, cases(len(SETTINGS), 4), act)


TABLES: Final = (
    (
        b'[years.2027]\nsource = "x"\ndays_off = ["2027-01-01", "2027-02-05/2027-02-11"]\nmakeup_work = ["2027-02-20"]\n'
        b'[[changes]]\nday = 2027-03-01\nwork = false\nsource = "y"\n'
    ),
    (
        b'[[rules]]\nfolder = "brief"\nreason = "x"\nkinds = ["slip"]\nvalid_from = 2026-01-01\n'
        b'[[rules]]\nfolder = "other_incoming"\nreason = "y"\nsender_lines = [1]\n'
    ),
)


@pytest.mark.parametrize("inputs", shares("calendars"))
def test_calendars_and_folder_rules(inputs: int, tmp_path: Path) -> None:
    """A table of working days or of folder rules is read or refused by a ValueError."""
    file = tmp_path / "table.toml"

    def act(case: tuple[int, list[int]]) -> None:
        file.write_bytes(spoilt_bytes(TABLES[case[0]], case[1]))
        for read, told in (
            (calendar_of, Settings(deadlines=Deadlines(workdays_file=str(file)))),
            (folder_rules_of, Settings(dispatch=Dispatch(folder_rules_file=str(file)))),
        ):
            with suppress(ValueError):
                read(told)

    fuzz(inputs, cases(len(TABLES)), act)


def _archive(*names: bytes) -> bytes:
    import zipfile  # noqa: PLC0415 - only here

    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name.decode(), b"x")
    return file.getvalue()


ATTACHMENTS: Final = (
    b"%PDF-1.7\n1 0 obj\n",
    b"\x89PNG\r\n\x1a\n" + bytes(40),
    b"\xff\xd8\xff\xe0" + bytes(40),
    _archive(b"[Content_Types].xml", b"word/document.xml"),
    _archive(b"OFD.xml", b"Doc_0/Document.xml"),
    bytes.fromhex("d0cf11e0a1b11ae1") + bytes(512) + "WordDocument".encode("utf-16-le"),
    "关于汛期值班的通知\r\n".encode() * 20,
    "关于汛期值班的通知\r\n".encode("gb18030") * 20,
)


@pytest.mark.parametrize("inputs", shares("uploads"))
def test_attachments(inputs: int) -> None:
    """What a file is, is told by its content or not at all."""

    def act(case: tuple[int, list[int]]) -> None:
        assert content_of(io.BytesIO(spoilt_bytes(ATTACHMENTS[case[0]], case[1]))) in {None, *MEDIA_TYPES}

    fuzz(inputs, cases(len(ATTACHMENTS)), act)
