"""Counting, cutting and signing short messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox_store.errors import Refused
from push.sms import gsm
from push.sms.text import (
    MAINLAND,
    HeaderSize,
    Part,
    Rules,
    count,
    encode,
    header,
    normalise,
    read_header,
    signature,
    signed,
    split,
    units,
)

MARK = "【平凉市委办】"
GSM = Rules(strategy="gsm")

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
han = st.text(st.sampled_from("会议通知a1，😀𠮷\n"), max_size=400)


def lengths(text: str, rules: Rules = MAINLAND) -> list[int]:
    """Units (or septets) of each segment."""
    told = split(text, rules)
    if told.strategy == "gsm":
        return [sum(map(gsm.width, segment)) for segment in told.segments]
    return [units(segment) for segment in told.segments]


@pytest.mark.parametrize(
    ("text", "total", "segments"),
    [
        (MARK + "会" * 63, 70, [70]),
        (MARK + "会" * 64, 71, [67, 4]),
        ("会" * 134, 134, [67, 67]),
        ("会" * 135, 135, [67, 67, 1]),
        ("会" * 201, 201, [67, 67, 67]),
        ("会" * 202, 202, [67, 67, 67, 1]),
        (MARK + "会" * 59 + "😀" + "会" * 10, 78, [66, 12]),
        ("会" * 66 + "😀" + "会" * 10, 78, [66, 12]),
        ("😀" * 35, 70, [70]),
        ("😀" * 36, 72, [66, 6]),
        ("a" * 160, 160, [67, 67, 26]),
        ("𠮷" * 36, 72, [66, 6]),
        ("", 0, [0]),
    ],
)
def test_mainland_vectors(text: str, total: int, segments: list[int]) -> None:
    """Every text counts as the carriers count it, and no character is cut."""
    assert (split(text).units, lengths(text)) == (total, segments)
    assert count(text) == len(segments)


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("a" * 160, [160]),
        ("a" * 161, [153, 8]),
        ("€" * 80, [160]),
        ("€" * 81, [152, 10]),
        ("会" + "a" * 70, [67, 4]),  # outside the table: counted in UCS-2
    ],
)
def test_gsm_vectors(text: str, segments: list[int]) -> None:
    """Septets where the table has every character, an escape pair kept whole."""
    assert lengths(text, GSM) == segments


@pytest.mark.parametrize(("n", "expected"), [(70, 1), (71, 2), (134, 2), (135, 3), (160, 3)])
def test_charges_count_the_same(n: int, expected: int) -> None:
    """The checks of the charging rules hold."""
    assert count("会" * n) == expected


@given(han)
def test_segments_are_the_text(text: str) -> None:
    """Segments put together are the text; each fits, all but the last are as full as they can be."""
    told = split(text, Rules(segments_max=99))
    assert "".join(told.segments) == normalise(text)
    if len(told.segments) > 1:
        assert all(66 <= units(segment) <= 67 for segment in told.segments[:-1])
        assert 1 <= units(told.segments[-1]) <= 67
        assert sum(map(units, told.segments)) == told.units > 70


@given(han, st.sampled_from(["平凉市委办", "网信办", "云水市人民政府办公室"]))
def test_a_signature_added_by_the_gateway_is_counted(text: str, name: str) -> None:
    """A text sent without the signature is counted and cut as if it stood in front."""
    mark = signature(name)
    rules = Rules(added_signature=mark, segments_max=99)
    without, written = split(text, rules), split(mark + text, Rules(segments_max=99))
    assert without.units == written.units
    assert (mark + without.segments[0], *without.segments[1:]) == written.segments


def test_the_wide_header_leaves_66_units() -> None:
    """With a 16-bit reference fewer units fit."""
    assert lengths("会" * 134, Rules(header_size=7)) == [66, 66, 2]
    assert lengths("a" * 161, Rules(strategy="gsm", header_size=7)) == [152, 9]


def test_too_long_is_refused_not_cut() -> None:
    """Above ten segments nothing is sent."""
    assert count("会" * 670) == 10
    with pytest.raises(Refused) as told:
        split("会" * 671)
    assert (told.value.code, told.value.params) == (
        "sms_too_long",
        {"units": 671, "segments": 11, "segments_max": 10},
    )


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("一\r\n二\r三\n四", "一\n二\n三\n四"),
        ("一\u2028二\u2029三", "一\n二\n三"),
        ("会议\t通知", "会议 通知"),
        ("\ufeff会\u200b议\u2060通\u200d知\x00\x07", "会议通知"),
        ("ＡＢＣ１２３，（）", "ＡＢＣ１２３，（）"),
        ("e\u0301", "é"),
        ("e\u200b\u0301", "é"),
    ],
)
def test_normalising(raw: str, clean: str) -> None:
    """Line breaks are one, nothing invisible is paid for, full-width forms stay."""
    assert normalise(raw) == clean


@given(texts)
def test_normalising_twice_changes_nothing(text: str) -> None:
    """Preview and bill see the same text."""
    assert normalise(normalise(text)) == normalise(text)
    assert units(text) == len(text.encode("utf-16-be")) // 2


def test_half_a_character_is_refused() -> None:
    """An unpaired surrogate is no text."""
    with pytest.raises(Refused, match="sms_text_invalid") as told:
        count("会\ud83d议")
    assert told.value.params["position"] == 1


def test_header_vectors() -> None:
    """The bytes of the second segment of the 71-unit text, with both headers."""
    second = split(MARK + "会" * 64).segments[1]
    assert second == "会" * 4
    narrow = header(Part(reference=0x2A, total=2, number=2)) + encode(second)
    wide = header(Part(reference=0x012A, total=2, number=2), 7) + encode(second)
    assert narrow.hex() == "0500032a02024f1a4f1a4f1a4f1a"
    assert wide.hex() == "060804012a02024f1a4f1a4f1a4f1a"
    assert encode(MARK + "会议通知").hex() == "30105e7351c95e0259d4529e30114f1a8bae901a77e5"


@given(st.integers(1, 255), st.data(), st.sampled_from([6, 7]), st.binary(max_size=20))
def test_headers_are_read_as_written(total: int, data: st.DataObject, size: HeaderSize, body: bytes) -> None:
    """Both header sizes are understood."""
    number = data.draw(st.integers(1, total))
    part = Part(reference=data.draw(st.integers(0, 255 if size == 6 else 65535)), total=total, number=number)
    assert read_header(header(part, size) + body) == (part, body)


@pytest.mark.parametrize(
    ("raw", "part"),
    [
        ("0b0504158200000003aa02016162", Part(reference=0xAA, total=2, number=1)),  # ports first
        ("060504158200006162", None),  # ports only
        ("050003aa02036162", None),  # the third of two
        ("050003aa00006162", None),
        ("050004aa0201006162", None),  # an element longer than its header
        ("006162", None),
    ],
)
def test_other_headers(raw: str, part: Part | None) -> None:
    """Concatenation may come second; numbers that cannot be are no concatenation."""
    told, body = read_header(bytes.fromhex(raw))
    assert told == part
    assert body.endswith(b"ab")


@pytest.mark.parametrize("raw", ["", "05", "050003aa02"])
def test_a_header_longer_than_its_data_is_broken(raw: str) -> None:
    """A cut header is refused, not guessed."""
    with pytest.raises(ValueError, match="longer than the data"):
        read_header(bytes.fromhex(raw))


@given(st.binary(max_size=40))
def test_no_header_breaks_the_reader(data: bytes) -> None:
    """Any bytes have an answer or a clear refusal."""
    try:
        part, body = read_header(data)
    except ValueError:
        return
    assert data.endswith(body)
    assert part is None or 1 <= part.number <= part.total


@pytest.mark.parametrize(
    ("part", "size"),
    [
        (Part(reference=256, total=2, number=1), 6),
        (Part(reference=65536, total=2, number=1), 7),
        (Part(reference=1, total=256, number=1), 6),
        (Part(reference=1, total=2, number=3), 6),
        (Part(reference=1, total=2, number=0), 6),
    ],
)
def test_numbers_that_do_not_fit_are_bugs(part: Part, size: HeaderSize) -> None:
    """A header never wraps its numbers."""
    with pytest.raises(ValueError, match=r"reference|segment"):
        header(part, size)


@pytest.mark.parametrize("name", ["平凉市委办", "网信办", "12345热线", "云水"])
def test_signatures(name: str) -> None:
    """A registered name stands in full-width brackets."""
    assert signature(name) == f"【{name}】"


@pytest.mark.parametrize("name", ["", "市", "云水市人民政府办公室信息中心", "云水 市", "云水-市", "【云水】"])
def test_signatures_that_cannot_be_registered(name: str) -> None:
    """Names too short, too long, or with symbols and blanks are refused."""
    with pytest.raises(Refused, match="sms_signature_invalid"):
        signature(name)


def test_exactly_one_signature() -> None:
    """A text bears one signature; other brackets do not confuse the carrier."""
    assert signed("【提醒】请签收", "网信办") == "【网信办】〔提醒〕请签收"
    assert signed("请签收", "网信办", at_end=True) == "请签收【网信办】"
    assert signed("【网信办】请签收", "网信办") == "【网信办】请签收"


@given(texts)
def test_signing_twice_changes_nothing(text: str) -> None:
    """However often a text is signed, it bears one signature."""
    once = signed(text, "网信办")
    assert signed(once, "网信办") == once
    assert once.count("【") == 1


def test_the_gsm_table() -> None:
    """128 codes less the escape, ten more behind it; every text of the table comes back."""
    assert len(gsm.CODES) == 127 + 10
    assert (gsm.CODES["@"], gsm.CODES["Ω"], gsm.CODES["ü"], gsm.CODES["€"]) == (
        b"\0",
        b"\x15",
        b"\x7e",
        b"\x1b\x65",
    )
    everything = "".join(gsm.CODES)
    assert gsm.decode(gsm.encode(everything)) == everything
    assert gsm.decode(b"\x1b\x01a") == "\ufffda"


@given(st.text(st.sampled_from("".join(gsm.CODES))))
def test_gsm_texts_come_back(text: str) -> None:
    """What is encoded is decoded; one code per byte, two behind an escape."""
    assert gsm.decode(gsm.encode(text)) == text
    assert len(gsm.encode(text)) == sum(map(gsm.width, text))
    assert encode(text, "gsm") == gsm.encode(text)
