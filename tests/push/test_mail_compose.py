"""Mails of ours as every reader sees them, and reports about them: only what bears a mark of ours counts."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from push.mail.compose import House, Letter, Line, compose, envelope_sender, message_id
from push.mail.dsn import read_report
from push.mail.marks import Purpose, mark_of, marked

KEY = b"k" * 32
HOUSE = House(
    address="songda@city.example",
    name="送达提醒（云水市）",
    domain="mail.city.example",
    url="https://oa.example",
    key=KEY,
)
AT = datetime(2026, 6, 1, 1, 0, tzinfo=UTC)


def letter(*lines: Line, unsubscribe: bool = False) -> Letter:
    """A letter to Zhang."""
    return Letter(to="zhang@office.example", mark=42, at=AT, lines=lines, unsubscribe=unsubscribe)


def sent(told: Letter) -> EmailMessage:
    """The letter after its way over the wire."""
    raw = compose(told, HOUSE).as_bytes()
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    read = message_from_bytes(raw, policy=default)
    assert isinstance(read, EmailMessage)
    return read


def test_an_alert_as_it_is_read() -> None:
    """Chinese headers, plain text and page say the same; nobody's holiday notice answers; the id is ours."""
    mail = sent(letter(Line(text="您有1份特急公文待签收", url="https://oa.example/d/1", urgent=True)))
    assert (mail["Subject"], mail["From"].addresses[0].display_name) == (
        "您有1份特急公文待签收",
        "送达提醒（云水市）",
    )
    assert (mail["Message-ID"], mail["Auto-Submitted"]) == (message_id(42, HOUSE), "auto-generated")
    assert (mail["Importance"], mail["List-Unsubscribe"]) == ("high", None)
    plain, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert page is not None
    for part in (plain, page):
        assert "【紧急】" in part.get_content()
        assert "https://oa.example/d/1" in part.get_content()


def test_a_digest_tells_how_many() -> None:
    """Several alerts are one mail with a line each; ordinary mail tells how to get less of it, under a mark of its own."""
    mail = sent(letter(Line(text="甲"), Line(text="乙", urgent=True), Line(text="丙"), unsubscribe=True))
    assert mail["Subject"] == "3 项提醒（1 项紧急）"
    plain = mail.get_body(("plain",))
    assert plain is not None
    assert [line for line in plain.get_content().splitlines() if line[:2] in ("1.", "2.", "3.")] == [
        "1. 甲",
        "2. 【紧急】乙",
        "3. 丙",
    ]
    assert mark_of("unsubscribe", mail["List-Unsubscribe"], KEY) == 42


@given(st.text(max_size=400))
def test_no_text_breaks_out(text: str) -> None:
    """Whatever an alert says, the mail has the same headers, and the page no tag of the text's making."""
    hostile = f"{text}\r\nBcc: evil@x.example\r\n\r\n<script>alert(1)</script>"
    mail = sent(letter(Line(text=hostile)))
    assert "Bcc" not in mail
    assert mail["To"] == "zhang@office.example"
    page = mail.get_body(("html",))
    assert page is not None
    assert "<script" not in page.get_content()


@pytest.mark.parametrize(
    "address", ["", "zhang", "a@b@c", "a b@c.example", "x@y.example\r\nBcc: e@x.example"]
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    """Only an address can be written to."""
    with pytest.raises(ValueError, match="not a mail address"):
        compose(Letter(to=address, mark=1, at=AT, lines=(Line(text="甲"),)), HOUSE)


# Marks and reports --------------------------------------------------------------------------------------------------


@given(st.integers(1, 2**62), st.sampled_from(["alert", "bounce", "unsubscribe"]))
def test_marks_are_ours_and_for_one_purpose(mark: int, purpose: Purpose) -> None:
    """A mark is read back whatever a relay does to its case, under the same key and for the same purpose only."""
    text = f"<{marked(purpose, mark, KEY)}@mail.city.example>".upper()
    purposes: tuple[Purpose, ...] = ("alert", "bounce", "unsubscribe")
    read = {told: mark_of(told, text, KEY) for told in purposes}
    assert read == {told: mark if told == purpose else None for told in read}
    assert mark_of(purpose, text, b"another") is None
    assert mark_of(purpose, text.replace(str(mark), str(mark + 1), 1), KEY) is None


def report(
    action: str = "failed",
    status: str = "5.1.1",
    *,
    original: str = "",
    headers_only: bool = False,
    words: str = "",
) -> bytes:
    """A report as Postfix writes it."""
    returned = f"From: songda@city.example\r\nMessage-ID: {original or '<x@y>'}\r\nSubject: x\r\n\r\n"
    kind = "text/rfc822-headers" if headers_only else "message/rfc822"
    return (
        "From: MAILER-DAEMON@relay.example\r\nSubject: Undelivered Mail\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\n\r\nI am sorry.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; relay.example\r\nArrival-Date: Mon, 1 Jun 2026 09:00:00 +0800\r\n\r\n"
        f"Final-Recipient: rfc822; zhang@office.example\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: smtp; 550 {words or 'no such user'}\r\n\r\n"
        f"--b\r\nContent-Type: {kind}\r\n\r\n{returned}\r\n--b--\r\n"
    ).encode()


@pytest.mark.parametrize(
    ("action", "status", "told"),
    [
        ("failed", "5.1.1", ("failed", "5.1.1", True)),
        ("failed", "5.7.1", ("failed", "5.7.1", False)),
        ("failed", "4.4.7", ("failed", "4.4.7", False)),
        ("delayed", "4.4.1", ("delayed", "4.4.1", False)),
        ("delivered", "2.0.0", ("delivered", "2.0.0", False)),
        ("Relayed", "2.1.5", ("delivered", "2.1.5", False)),
    ],
)
def test_what_a_report_says(action: str, status: str, told: tuple[str, str, bool]) -> None:
    """Delivered, failed for good or not, delayed: read at the address that names our mail."""
    read = read_report(report(action, status), envelope_sender(42, HOUSE), KEY)
    assert read is not None
    assert (read.mark, read.diagnostic) == (42, "smtp; 550 no such user")
    assert (read.action, read.status, read.permanent) == told


@pytest.mark.parametrize("headers_only", [True, False])
def test_a_report_names_our_message_id(headers_only: bool) -> None:  # noqa: FBT001 - the case
    """A report that came elsewhere is matched by the Message-ID of what it returns, whole or headers only."""
    raw = report(original=message_id(7, HOUSE), headers_only=headers_only)
    read = read_report(raw, "postmaster@city.example", KEY)
    assert read is not None
    assert read.mark == 7


@pytest.mark.parametrize(
    "raw",
    [
        report(original="<alert-42-00000000000000000000@mail.city.example>"),
        b"Subject: hello\r\n\r\nno report\r\n",
        b"",
        report(action="delivered", status="5.1.1"),
        report(action="wandering"),
        b'Content-Type: multipart/report; boundary="b"\r\n\r\n'
        + b'--b\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n' * 2_000,
    ],
)
def test_what_is_no_report_of_ours_changes_nothing(raw: bytes) -> None:
    """Made-up marks, other mail, contradictions and deep nonsense are no reports."""
    address = "x@city.example" if b"alert-42" in raw else envelope_sender(42, HOUSE)
    assert read_report(raw, address, KEY) is None


@given(st.binary(max_size=600))
def test_any_bytes_are_read_without_a_fault(raw: bytes) -> None:
    """Whatever comes, reading ends, and nothing is reported under a mark that is not there."""
    head = b'Content-Type: multipart/report; boundary="b"\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n'
    assert read_report(head + raw, "nobody@city.example", KEY) is None
