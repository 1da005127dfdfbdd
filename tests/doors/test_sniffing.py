"""Files told by their content."""

from __future__ import annotations

import io
import tempfile
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.doors.sniffing import BLOCK_BYTES, CONTENT_OF, MEDIA_TYPES, content_of, is_text
from tests.doors.content import DOCX, JPEG, OFD, PDF, PNG, ole2, zipped


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PDF, "pdf"),
        (PNG, "png"),
        (JPEG, "jpg"),
        (DOCX, "docx"),
        (OFD, "ofd"),
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "xlsx"),
        (zipped("[Content_Types].xml", "ppt/presentation.xml"), "pptx"),
        (zipped("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"), None),
        (zipped("readme.txt"), None),
        (zipped("word/document.xml"), None),
        (ole2("Root Entry", "WordDocument"), "doc"),
        (ole2("Root Entry", "Workbook"), "xls"),
        (ole2("Root Entry", "EncryptedPackage"), None),
        ("关于会议的通知\r\n\t一、时间".encode(), "txt"),
        ("关于会议的通知".encode("gb18030"), "txt"),
        (b"\xef\xbb\xbfabc", "txt"),
        (b"MZ\x90\x00\x03", None),
        (b"\x7fELF\x02\x01", None),
        (b"abc\x00def", None),
        (b"x%PDF-1.7", "txt"),
        (b"", None),
        (b"PK\x03\x04", None),
        (DOCX[:-10], None),
    ],
)
def test_kind_is_told_by_content(content: bytes, kind: str | None) -> None:
    """Each content has its kind, and what is none of them has none."""
    assert content_of(io.BytesIO(content)) == kind


def test_program_with_a_zip_behind_is_no_document() -> None:
    """A stub before the archive makes it no office file: the first bytes decide."""
    assert content_of(io.BytesIO(b"MZ\x00" + DOCX)) is None


def test_endless_list_of_members_is_not_read() -> None:
    """A list of members beyond the limit is refused unread."""
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w") as archive:
            for number in range(12_000):
                archive.writestr(f"{number:060}", "")
            archive.writestr("[Content_Types].xml", "")
            archive.writestr("word/document.xml", "")
        assert content_of(file) is None


def test_character_cut_by_a_block_is_still_text() -> None:
    """Text is read in blocks without breaking characters."""
    assert is_text(io.BytesIO(b"a" * (BLOCK_BYTES - 1) + "中".encode() * 3))


@given(
    st.sampled_from([b"", b"PK\x03\x04", b"%PDF-", bytes.fromhex("d0cf11e0a1b11ae1")]),
    st.binary(max_size=200),
)
def test_any_content_is_told_or_not(head: bytes, rest: bytes) -> None:
    """No content is a fault, and every kind told has a media type."""
    kind = content_of(io.BytesIO(head + rest))
    assert kind is None or kind in MEDIA_TYPES


@given(st.binary(max_size=120))
def test_any_end_of_a_zip_is_read(tail: bytes) -> None:
    """A forged list of members is no fault."""
    forged = DOCX[:-22] + b"PK\x05\x06" + tail
    assert content_of(io.BytesIO(forged)) in (None, "docx")


def test_every_extension_has_contents_with_a_media_type() -> None:
    """The two tables know each other."""
    assert {kind for kinds in CONTENT_OF.values() for kind in kinds} == set(MEDIA_TYPES)
