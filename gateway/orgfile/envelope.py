"""The envelope of an XLSX file: a zip archive, judged before any parser sees it.

The directory of an archive may lie, so that sizes are counted by unpacking every member piece by piece and stopping at
the limit; nothing is kept. The cost is bounded by the limits: at most ``unpacked_max_bytes`` through zlib.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

from gateway.orgfile.faults import Fault, fault
from gateway.orgfile.limits import MIB, ReadLimits

ZIP_MAGIC: Final = b"PK\x03\x04"
OLE_MAGIC: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_END = struct.Struct("<4s4H2LH")
_END_MAGIC = b"PK\x05\x06"
_LOCAL = struct.Struct("<4s22x2H")
_SYMLINK = 0o120000
_PIECE_BYTES = 256 * 1024
_KIND_BY_MEMBER = {
    "xl/workbook.bin": "二进制工作簿 XLSB",
    "word/document.xml": "Word 文档",
    "ppt/presentation.xml": "演示文稿",
    "content.xml": "ODF 文档",
}


class _Bad(Exception):
    """Unwinds to ``archive_fault`` with the fault found."""

    def __init__(self, found: Fault) -> None:
        super().__init__(found.code)
        self.found = found


def _broken(detail: str) -> _Bad:
    return _Bad(fault("zip_broken", detail=detail))


def archive_fault(stream: BinaryIO, size_bytes: int, limits: ReadLimits) -> Fault | None:
    """What forbids reading the archive ``stream`` as a workbook, or None. Leaves the stream anywhere."""
    try:
        members = _members(stream, size_bytes, limits)
        _refuse_oddities(members)
        _refuse_other_kinds(members)
        _refuse_declared(members, size_bytes, limits)
        _count_unpacked(stream, members, size_bytes, limits)
    except _Bad as bad:
        return bad.found
    return None


def _members(stream: BinaryIO, size_bytes: int, limits: ReadLimits) -> list[zipfile.ZipInfo]:
    _refuse_directory(stream, size_bytes, limits)
    try:
        with zipfile.ZipFile(stream) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, struct.error, NotImplementedError, RuntimeError):
        raise _broken("目录无法读取") from None
    if len(members) > limits.members_max:
        raise _Bad(fault("zip_members", max_members=limits.members_max))
    return members


def _refuse_directory(stream: BinaryIO, size_bytes: int, limits: ReadLimits) -> None:
    """Look at the end record first: listing a directory of a million members would itself take seconds."""
    start = max(0, size_bytes - 65_535 - _END.size)
    stream.seek(start)
    tail = stream.read(size_bytes - start)
    at = tail.rfind(_END_MAGIC)
    if at < 0 or len(tail) - at < _END.size:
        raise _broken("没有目录，文件可能未传完")
    _, _, _, _, count, directory_bytes, _, _ = _END.unpack_from(tail, at)
    if count > limits.members_max or directory_bytes > limits.directory_max_bytes:
        raise _Bad(fault("zip_members", max_members=limits.members_max))


def _refuse_oddities(members: list[zipfile.ZipInfo]) -> None:
    for member in members:
        if member.flag_bits & 0x1:
            raise _Bad(fault("encrypted"))
        if (member.external_attr >> 16) & 0o170000 == _SYMLINK:
            raise _Bad(fault("zip_link"))
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise _broken("压缩方式不支持")


def _refuse_other_kinds(members: list[zipfile.ZipInfo]) -> None:
    names = {member.filename.lower() for member in members}
    if "xl/workbook.xml" in names:
        return
    kind = next((kind for name, kind in _KIND_BY_MEMBER.items() if name in names), "普通压缩包")
    raise _Bad(fault("not_xlsx", seen=kind))


def _refuse_sum(unpacked_bytes: int, size_bytes: int, limits: ReadLimits) -> None:
    if unpacked_bytes > limits.unpacked_max_bytes:
        raise _Bad(fault("unpacked_too_large", max_mib=limits.unpacked_max_bytes // MIB))
    if unpacked_bytes > max(limits.ratio_free_bytes, limits.ratio_max * size_bytes):
        raise _Bad(fault("ratio_too_high", ratio_max=limits.ratio_max))


def _refuse_declared(members: list[zipfile.ZipInfo], size_bytes: int, limits: ReadLimits) -> None:
    _refuse_sum(sum(member.file_size for member in members), size_bytes, limits)


def _count_unpacked(
    stream: BinaryIO, members: list[zipfile.ZipInfo], size_bytes: int, limits: ReadLimits
) -> None:
    total = 0
    for member in members:
        before = total
        for piece in _pieces(stream, member, size_bytes):
            total += piece
            _refuse_sum(total, size_bytes, limits)
        if total - before != member.file_size:
            raise _broken("部件大小与目录不符")


def _data_start(stream: BinaryIO, member: zipfile.ZipInfo, size_bytes: int) -> int:
    # A directory that lies about its own place puts members before the beginning of the file.
    stream.seek(max(0, member.header_offset))
    head = stream.read(30)
    if member.header_offset < 0 or len(head) < 30 or head[:4] != ZIP_MAGIC:
        raise _broken("部件头缺失")
    _, name_bytes, extra_bytes = _LOCAL.unpack(head)
    start = member.header_offset + 30 + name_bytes + extra_bytes
    if start + member.compress_size > size_bytes:
        raise _broken("部件不完整")
    return int(start)


def _pieces(stream: BinaryIO, member: zipfile.ZipInfo, size_bytes: int) -> Iterator[int]:
    """The sizes of the unpacked pieces of one member, each at most ``_PIECE_BYTES``."""
    stream.seek(_data_start(stream, member, size_bytes))
    unpacker = None if member.compress_type == zipfile.ZIP_STORED else zlib.decompressobj(-zlib.MAX_WBITS)
    left = member.compress_size
    while left > 0:
        packed = stream.read(min(left, _PIECE_BYTES))
        if not packed:
            raise _broken("部件不完整")
        left -= len(packed)
        yield from [len(packed)] if unpacker is None else _unpacked(unpacker, packed)


def _unpacked(unpacker: zlib._Decompress, packed: bytes) -> Iterator[int]:
    try:
        while packed and not unpacker.eof:
            yield len(unpacker.decompress(packed, _PIECE_BYTES))
            packed = unpacker.unconsumed_tail
    except zlib.error:
        raise _broken("压缩数据有误") from None
