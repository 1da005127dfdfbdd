"""Mails as scanners, Foxmail, Outlook and old systems write them, read; and what is uncertain is refused."""

from __future__ import annotations

import base64
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rules.mail_reading import MailText, page_text, read_mail
from inbox_store.errors import Refused

TITLE = "关于召开防汛工作会议的通知（云政办发〔2026〕7号）"


def raw(head: bytes, body: bytes = b"text\r\n") -> MailText:
    """A mail from its bytes."""
    return read_mail(head.replace(b"\n", b"\r\n") + b"\r\n\r\n" + body)


def word(text: str, charset: str, form: str = "B") -> str:
    """One encoded word (RFC 2047)."""
    data = text.encode("gb18030" if charset.startswith("gb") else charset)
    told = base64.b64encode(data).decode() if form == "B" else "".join(f"={byte:02X}" for byte in data)
    return f"=?{charset}?{form}?{told}?="


@pytest.mark.parametrize("charset", ["utf-8", "gb2312", "gbk", "gb18030", "GB2312", "big5"])
@pytest.mark.parametrize("form", ["B", "Q"])
def test_subjects_in_every_charset(charset: str, form: str) -> None:
    """Encoded words in the charsets of this country are read, also where the declared one is too narrow."""
    text = "會議通知" if charset == "big5" else TITLE if charset != "gb2312" else TITLE + "镕"
    assert raw(f"Subject: {word(text, charset.lower(), form)}".encode()).title == text


def test_a_character_cut_between_two_words() -> None:
    """Programs that fold bytes and not characters are understood."""
    data = TITLE.encode("gb18030")
    words = "\n ".join(
        f"=?gb2312?B?{base64.b64encode(data[at : at + 15]).decode()}?=" for at in range(0, len(data), 15)
    )
    assert raw(f"Subject: {words}".encode()).title == TITLE


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_bare_bytes_in_a_header(encoding: str) -> None:
    """A subject and a file's name in bare UTF-8 (RFC 6532) or bare GBK are read."""
    told = raw(
        b"Subject: "
        + TITLE.encode(encoding)
        + b'\nContent-Type: application/pdf; name="'
        + "扫描件.pdf".encode(encoding)
        + b'"\n'
        b"Content-Disposition: attachment",
        b"%PDF-",
    )
    assert (told.title, told.files[0].name) == (TITLE, "扫描件.pdf")


NAMES = {
    "rfc 2231": b"attachment; filename*=UTF-8''%E6%89%AB%E6%8F%8F.pdf",
    "rfc 2231 in pieces": b"attachment; filename*0*=gb18030''%C9%A8; filename*1*=%C3%E8.pdf",
    "rfc 2047": f'attachment; filename="{word("扫描.pdf", "gbk")}"'.encode(),
    "rfc 2047, folded": f'attachment;\n filename="{word("扫", "utf-8")}\n {word("描.pdf", "utf-8")}"'.encode(),
}


@pytest.mark.parametrize("case", NAMES)
def test_names_of_files(case: str) -> None:
    """The four ways in which names of files are written are all read."""
    told = raw(b"Subject: x\nContent-Type: application/pdf\nContent-Disposition: " + NAMES[case], b"%PDF-")
    assert [file.name for file in told.files] == ["扫描.pdf"]


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [("gb2312", "gb18030"), ("utf-8", "utf-8"), ("", "gb18030"), ("x-unknown", "utf-8")],
)
@pytest.mark.parametrize("transfer", ["8bit", "base64", "quoted-printable"])
def test_texts_in_every_charset(charset: str, encoding: str, transfer: str) -> None:
    """A text is read in its charset, or, where none is named or nobody knows it, in what it truly is."""
    data = "各单位：\r\n请报送。\r\n".encode(encoding)
    if transfer == "base64":
        data = base64.encodebytes(data).replace(b"\n", b"\r\n")
    if transfer == "quoted-printable":
        data = b"".join(b"=%02X" % byte for byte in data)
    kind = f"; charset={charset}" if charset else ""
    head = f"Subject: x\nContent-Type: text/plain{kind}\nContent-Transfer-Encoding: {transfer}"
    assert raw(head.encode(), data).body == "各单位：\n请报送。"


def made(**parts: str) -> EmailMessage:
    """A mail with a subject and a text."""
    mail = EmailMessage()
    mail["Subject"] = parts.get("subject", TITLE)
    mail.set_content(parts.get("text", "正文"))
    return mail


def test_plain_text_before_its_page_and_pictures_are_files() -> None:
    """Of alternatives the plain text is the body; pictures of the page and attachments are files, in order."""
    mail = made()
    mail.add_alternative("<p>正文<img src=cid:1></p>", subtype="html")
    mail.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename="一.pdf")
    mail.add_attachment("名单", filename="二.txt")
    told = read_mail(mail.as_bytes(policy=SMTP))
    assert (told.body, [file.name for file in told.files]) == ("正文", ["一.pdf", "二.txt"])
    assert told.files[1].content.decode().strip() == "名单"


def test_a_page_alone_is_read_as_text() -> None:
    """A mail that is only a page gives its visible text."""
    told = raw(
        b"Subject: x\nContent-Type: text/html; charset=utf-8",
        "<style>p{}</style><p>甲&amp;乙</p><p>丙</p>".encode(),
    )
    assert told.body == "甲&乙\n丙"


def test_a_scan_without_a_name_gets_one() -> None:
    """A scanner's nameless page has the ending of its type."""
    told = raw(b"Subject: scan\nContent-Type: image/jpeg\nContent-Transfer-Encoding: base64", b"/9j/4AAQ\r\n")
    assert [(file.name, file.content[:3]) for file in told.files] == [("附件1.jpg", b"\xff\xd8\xff")]


@pytest.mark.parametrize("head", [b"Importance: high", b"X-Priority: 1 (Highest)", b"Priority: urgent"])
def test_marked_urgent(head: bytes) -> None:
    """The three ways in which programs mark what is urgent."""
    assert raw(b"Subject: x\n" + head).urgent
    assert not raw(b"Subject: x\nImportance: normal\nX-Priority: 3").urgent


def _nested(depth: int) -> bytes:
    head = b"Subject: x\r\n"
    for level in range(depth):
        mark = b"b%d" % level
        head += b'Content-Type: multipart/mixed; boundary="' + mark + b'"\r\n\r\n--' + mark + b"\r\n"
    return head + b"\r\ntext\r\n"


REFUSED = {
    "nothing at all": (b"", "mail_broken"),
    "cut within a multipart": (
        b'Subject: x\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nte',
        "mail_broken",
    ),
    "no part where parts were told": (
        b'Subject: x\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\ntext\r\n',
        "mail_broken",
    ),
    "nested without end": (_nested(400), "mail_broken"),
    "more parts than anybody writes": (
        b'Subject: x\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
        + b"--b\r\n\r\nx\r\n" * 200
        + b"--b--\r\n",
        "mail_too_long",
    ),
    "a subject without end": (b"Subject: " + b"x" * 400 + b"\r\n\r\ntext\r\n", "mail_too_long"),
    "a text without end": (b"Subject: x\r\n\r\n" + b"x" * 200_001 + b"\r\n", "mail_too_long"),
    "bytes in no charset": (
        b"Subject: x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\xff\xff\xff\r\n",
        "mail_encoding",
    ),
    "winmail.dat": (b"Subject: x\r\nContent-Type: application/ms-tnef\r\n\r\nx\r\n", "mail_container"),
    "an encrypted mail": (
        b"Subject: x\r\nContent-Type: application/pkcs7-mime\r\n\r\nx\r\n",
        "mail_container",
    ),
    "uuencode": (
        b"Subject: x\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 x\r\n",
        "mail_container",
    ),
    "base64 cut short": (
        b'Subject: x\r\nContent-Type: application/pdf; name="a.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0xL\r\n',
        "mail_broken",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_uncertain_is_refused(case: str) -> None:
    """Damaged, endless, sealed and unreadable mail is refused by its own name."""
    content, code = REFUSED[case]
    with pytest.raises(Refused) as refused:
        read_mail(content)
    assert refused.value.code == code


def test_pages_are_read_in_linear_time() -> None:
    """A page made to be slow (a hundred thousand open tags and comments) is read as quickly as any."""
    for page in ("<style>" * 100_000, "<!--" * 100_000, "<" * 400_000, "<p" * 200_000, "&" * 400_000):
        assert isinstance(page_text(page), str)


def test_what_a_page_shows() -> None:
    """Scripts, comments and heads are not shown; tables and breaks are lines; a bare sign stays a sign."""
    page = "<html><head><title>t</title></head><body>a <!-- <p>no</p> --> b<br>c<script>x<y</script><table><tr><td>d</td></tr></table>1 < 2</body>"
    assert page_text(page).split("\n")[:3] == ["a  b", "c d", "1 < 2"] or "no" not in page_text(page)
    assert [word for word in ("t", "x", "y") if word in page_text(page)] == []


@given(
    st.binary(max_size=400),
    st.sampled_from([b"", b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n', b"Subject: =?"]),
)
def test_any_bytes_are_read_or_refused(content: bytes, head: bytes) -> None:
    """Whatever comes in, it is a mail or a refusal, never a fault."""
    try:
        told = read_mail(b"X: y\r\n" + head + content)
    except Refused:
        return
    assert "\x00" not in told.title + told.body
    (told.title + told.body).encode()
