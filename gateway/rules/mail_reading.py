"""A mail as it came in, read: subject, text, attachments. Pure.

Old scanners and office programs write what they like: raw GBK in headers, characters cut between two encoded words, names
of files as RFC 2231, as RFC 2047 or as bare bytes. What is not certain is refused and never guessed into a document: a text
that cannot be read in full, an attachment cut short, a container that only its own program opens (winmail.dat).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.policy import compat32
from email.utils import collapse_rfc2231_value, getaddresses
from typing import Final

from inbox_store.errors import Refused
from inbox_store.nouns import Noun

PARTS_MAX: Final = 100
FILES_MAX: Final = 50
"""Attachments of one document, as over the API."""
HEADER_MAX: Final = 16 * 1024
"""Characters of one header field that are read; what is longer is an attack or a list of thousands."""
HEADERS_MAX: Final = 500
TITLE_MAX: Final = 300
TEXT_MAX: Final = 200_000

_FOLD: Final = re.compile(r"\r?\n(?=[ \t])")
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b\u2028\u2029\ufeff]")
_BLANKS: Final = re.compile(r"[ \t\r\n\u00a0]+")
_GB: Final = frozenset(
    {
        "gb2312",
        "gbk",
        "gb_2312-80",
        "gb-2312",
        "cp936",
        "ms936",
        "x-gbk",
        "gb18030",
        "hz-gb-2312-8bit",
        "x-euc-cn",
        "euc-cn",
    }
)
"""Programs that say GB 2312 write GBK; GB 18030 reads them all."""
_PLAIN_TRANSFER: Final = frozenset({"", "7bit", "8bit", "binary", "base64", "quoted-printable"})
_TNEF: Final = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_SIGNATURES: Final = frozenset(
    {"application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"}
)
_SEALED: Final = frozenset(
    {"application/pkcs7-mime", "application/x-pkcs7-mime", "application/pgp-encrypted"}
)
_BROKEN: Final = ("Boundary", "Multipart", "Base64", "HeaderInContent", "Separator")
"""Parts of the names of defects that mean: a piece of the mail is missing or unreadable."""
_NAME_OF: Final = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png", "text/plain": "txt"}
"""Scanners send these without any name."""


class MailFile(Noun, frozen=True, kw_only=True):
    """One attachment: its name as decoded, its whole content."""

    name: str
    content: bytes


class MailText(Noun, frozen=True, kw_only=True):
    """What a mail says. ``message_id`` and ``date`` as they stand; ``cc`` the addresses of the header, in small letters."""

    message_id: str
    date: str
    title: str
    body: str
    files: tuple[MailFile, ...] = ()
    cc: frozenset[str] = frozenset()
    urgent: bool = False


def read_mail(content: bytes) -> MailText:
    """The mail in ``content``.

    Raises Refused: mail_broken, mail_encoding, mail_container, mail_too_long, each with ``reason``.
    """
    try:
        mail = message_from_bytes(content, policy=compat32)
        leaves = list(_leaves(mail))
    except RecursionError:
        raise Refused("mail_broken", reason="too deeply nested") from None
    if not mail.keys():
        raise Refused("mail_broken", reason="no headers")
    title = _BLANKS.sub(" ", _header(mail, "Subject")).strip()
    texts = [text for text in (_text(part) for part in leaves if _is_text(part)) if text]
    files = tuple(
        _file(part, number) for number, part in enumerate((one for one in leaves if not _is_text(one)), 1)
    )
    body = "\n\n".join(texts)
    if len(title) > TITLE_MAX or len(body) > TEXT_MAX or len(files) > FILES_MAX:
        raise Refused(
            "mail_too_long", reason=f"limits: subject {TITLE_MAX}, text {TEXT_MAX}, files {FILES_MAX}"
        )
    return MailText(
        message_id=_BLANKS.sub("", _header(mail, "Message-ID"))[:400],
        date=_header(mail, "Date")[:100],
        title=title,
        body=body,
        files=files,
        cc=frozenset(address.lower() for _, address in getaddresses([_header(mail, "Cc")]) if address),
        urgent=_urgent(mail),
    )


# Headers ------------------------------------------------------------------------------------------------------------


def _header(mail: Message, name: str) -> str:
    """The first field of this name in clear, "" without one."""
    found = next((value for key, value in mail.raw_items() if key.lower() == name.lower()), "")
    return clear(str(found))


def clear(raw: str) -> str:
    """A field's value in clear: unfolded, encoded words decoded, bare bytes read as UTF-8 or GB 18030."""
    told = _FOLD.sub("", raw[:HEADER_MAX])
    told = _CONTROL.sub("", _bare(told))
    if "=?" not in told:
        return told.strip()
    try:
        pieces = decode_header(told)
    except HeaderParseError:
        return told.strip()
    return _CONTROL.sub("", "".join(_piece(*piece) for piece in pieces)).strip()


def _bare(text: str) -> str:
    """Bytes above 127 that nobody declared, as the parser hands them on (surrogates)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _decoded(text.encode("ascii", "surrogateescape"), "")
    return text


def _piece(told: bytes | str, charset: str | None) -> str:
    if isinstance(told, str):
        return told
    # What stands between encoded words comes in the charset of str itself.
    return _decoded(told, charset) if charset else told.decode("raw-unicode-escape", "replace")


def _decoded(raw: bytes, charset: str) -> str:
    """``raw`` in the declared charset; where that does not read, in UTF-8 or GB 18030. Raises Refused("mail_encoding")."""
    named = charset.strip().strip("\"'").lower()
    first = "gb18030" if named in _GB else named
    for encoding in dict.fromkeys((first, "utf-8", "gb18030")):
        if encoding in ("", "us-ascii", "ascii", "unknown-8bit"):
            continue
        try:
            return raw.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    raise Refused("mail_encoding", reason=f"text is not in {named[:40] or 'any known charset'}")


def _urgent(mail: Message) -> bool:
    """Importance (RFC 2156), Priority, X-Priority as Outlook and Foxmail write them."""
    words = (_header(mail, "Importance").lower(), _header(mail, "Priority").lower())
    return "high" in words or "urgent" in words or _header(mail, "X-Priority")[:1] in ("1", "2")


# Parts --------------------------------------------------------------------------------------------------------------


def _leaves(mail: Message) -> Iterator[Message]:
    """The parts that hold something, in order; of alternatives the one that is plain text, else the last."""
    counted = 0
    waiting = [mail]
    while waiting:
        part = waiting.pop()
        counted += 1
        if counted > PARTS_MAX or len(part.keys()) > HEADERS_MAX:
            raise Refused(
                "mail_too_long", reason=f"more than {PARTS_MAX} parts or {HEADERS_MAX} header fields"
            )
        _expect_whole(part)
        kind = part.get_content_type()
        if part.get_content_maintype() == "multipart":
            inner = part.get_payload()
            inside = [one for one in inner if isinstance(one, Message)] if isinstance(inner, list) else []
            waiting += reversed(_chosen(kind, inside))
        elif kind not in _SIGNATURES:
            yield part


def _chosen(kind: str, inside: list[Message]) -> list[Message]:
    if kind != "multipart/alternative" or not inside:
        return inside
    plain = [part for part in inside if part.get_content_type() == "text/plain"]
    return plain[:1] or inside[-1:]


def _expect_whole(part: Message) -> None:
    defects = [type(defect).__name__ for defect in part.defects]
    broken = next((name for name in defects if any(word in name for word in _BROKEN)), "")
    if broken:
        raise Refused("mail_broken", reason=broken)


def _is_text(part: Message) -> bool:
    """Whether it is text to be read, no file."""
    attached = part.get_content_disposition() == "attachment" or bool(_file_name(part))
    return not attached and part.get_content_type() in ("text/plain", "text/html")


def _payload(part: Message) -> bytes:
    if str(part.get("Content-Transfer-Encoding", "")).strip().lower() not in _PLAIN_TRANSFER:
        raise Refused("mail_container", reason="transfer encoding not supported")
    told = part.get_payload(decode=True)
    _expect_whole(part)
    return told if isinstance(told, bytes) else b""


def _text(part: Message) -> str:
    text = _decoded(_payload(part), part.get_content_charset() or "")
    if part.get_content_type() == "text/html":
        from_page = page_text(text)
        return from_page.strip()
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def _file(part: Message, number: int) -> MailFile:
    kind, name = part.get_content_type(), _file_name(part)
    if kind in _TNEF or name.lower() == "winmail.dat":
        reason = "winmail.dat (Outlook rich text): send as HTML or plain text instead"
        raise Refused("mail_container", reason=reason)
    if kind in _SEALED:
        raise Refused("mail_container", reason="encrypted mail cannot be read here")
    if part.get_content_maintype() == "message":
        return MailFile(name=name or f"附件{number}.eml", content=b"")
    return MailFile(name=name or f"附件{number}.{_NAME_OF.get(kind, 'bin')}", content=_payload(part))


def _file_name(part: Message) -> str:
    """The name as Content-Disposition tells it, else Content-Type's."""
    for header, name in (("content-disposition", "filename"), ("content-type", "name")):
        raw = next((value for key, value in part.raw_items() if key.lower() == header), None)
        if raw is None:
            continue
        # Read apart, so that bare bytes in the value are decoded before its parameters are cut.
        alone = Message(policy=compat32)
        alone[header] = _FOLD.sub("", _bare(str(raw)[:HEADER_MAX]))
        told = alone.get_param(name, header=header)
        if told is not None:
            return clear(collapse_rfc2231_value(told))
    return ""


# Pages --------------------------------------------------------------------------------------------------------------

_BREAKS: Final = frozenset(
    {"br", "/p", "/div", "/tr", "/li", "/h1", "/h2", "/h3", "/h4", "/h5", "/h6", "/table", "hr"}
)
_UNSEEN: Final = frozenset({"style", "script", "title", "head", "template"})


def page_text(page: str) -> str:
    """What a reader of the page would see, without markup; linear in its length, whatever it holds."""
    first, *pieces = page.split("<")
    out = [_BLANKS.sub(" ", first)]
    unseen = ""
    comment = False
    for piece in pieces:
        if comment or piece.startswith("!--"):
            _, ended, rest = piece.partition("-->")
            comment = not ended
            out += [rest] if ended and not unseen else []
        else:
            unseen = _tag(piece, unseen, out)
    return _tidy("".join(out))


def _tag(piece: str, unseen: str, out: list[str]) -> str:
    """One tag with what follows it; returns the element whose content is not shown, "" outside of any."""
    inside, closed, rest = piece.partition(">")
    if not closed:
        if not unseen:
            out.append("<" + piece)  # a bare "<" in a text
        return unseen
    name = inside.split(None, 1)[0].rstrip("/").lower() if inside.strip() else ""
    if unseen:
        if name != f"/{unseen}":
            return unseen
        unseen = ""
    elif name in _UNSEEN and not inside.endswith("/"):
        return name
    if name in _BREAKS:
        out.append("\n")
    out.append(_BLANKS.sub(" ", rest))
    return unseen


def _tidy(text: str) -> str:
    from_entities = _CONTROL.sub("", _unescaped(text)).replace("\u00a0", " ")
    lines = [line.strip(" \t\r") for line in from_entities.split("\n")]
    kept = [line for at, line in enumerate(lines) if line or (at and lines[at - 1])]
    return "\n".join(kept)


def _unescaped(text: str) -> str:
    from html import unescape  # noqa: PLC0415 - a quarter of a megabyte of entities, for pages only

    return unescape(text)
