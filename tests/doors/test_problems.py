"""Refusals as problem details."""

from __future__ import annotations

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.doors.problem_table import ALSO_SHOWN, TABLE
from gateway.doors.problems import (
    CATALOGUE,
    Fault,
    english_wanted,
    mend_of,
    problem_of,
    problem_page,
    refused_of,
    retry_after_s,
)
from inbox_store.errors import Refused, StoreBroken, StoreFull


def test_every_code_is_entered_once_with_status_titles_and_mend() -> None:
    """The catalogue has one complete line for each code."""
    assert len(CATALOGUE) == len(TABLE)
    for entry in CATALOGUE.values():
        assert 400 <= entry.status < 600
        assert entry.title_zh
        assert entry.title_en.isascii()
        assert entry.mend.endswith("。")
    assert set(ALSO_SHOWN) <= set(CATALOGUE)


def test_problem_tells_place_and_mend() -> None:
    """A refusal's named parameters appear in the detail and under params."""
    problem = problem_of(Refused("attachment_unknown", ids=["a1", "a2"]), request_id="r1")
    assert problem.status == 422
    assert problem.type == "/problems/attachment_unknown"
    assert problem.detail == "没有找到所引用的附件：a1、a2。请重新上传后再引用。"
    assert problem.params == {"ids": ["a1", "a2"]}
    assert (problem.title, problem.title_en) == ("附件不存在", "Unknown attachment")


def test_reasons_of_a_flow_become_errors_and_detail() -> None:
    """Fields of a flow's own faults become pointers; the detail repeats their reasons once."""
    reasons = [
        {"field": "attendees[0].phone", "reason": "手机号码不对"},
        {"field": "", "reason": "手机号码不对"},
        {"field": "note", "reason": "说明过长。"},
    ]
    problem = problem_of(Refused("receipt_invalid", errors=reasons), request_id="r")
    assert [fault.pointer for fault in problem.errors] == ["/attendees/0/phone", "", "/note"]
    assert problem.detail == "手机号码不对；说明过长。请修改后再报。"


def test_instants_and_actions_are_told_in_words() -> None:
    """Microseconds become a time, for people and for programs; an action is told by its Chinese name."""
    late = problem_of(Refused("deadline_passed", due_at=1_772_326_800_000_000), request_id="r")
    assert "2026年03月01日 09:00" in late.detail
    assert late.params == {"due_at": "2026-03-01T09:00:00.000+08:00"}
    assert "（发文）" in problem_of(Refused("forbidden", action="dispatch.submit"), request_id="r").detail


def test_no_parameter_can_break_an_answer() -> None:
    """Moments no calendar holds and values no JSON knows are told somehow."""
    problem = problem_of(Refused("deadline_passed", due_at=2**62, errors=object()), request_id="r")
    assert problem.errors == ()
    assert problem_of(Refused("field_missing", field=object), request_id="r").detail


def test_parameters_nobody_named_stay_inside() -> None:
    """Which check of a token failed is never told to the client."""
    problem = problem_of(Refused("token_invalid", fault="signature"), request_id="r1")
    assert "signature" not in repr(problem)


def test_sentence_without_its_parameter_is_left_out() -> None:
    """No answer shows an empty place."""
    assert problem_of(Refused("field_missing"), request_id="r").detail == "请补齐后再提交。"
    assert problem_of(Refused("locked"), request_id="r").detail.endswith("已暂时锁定。")


def test_long_values_are_cut() -> None:
    """A parameter of any length gives a detail of bounded length."""
    detail = problem_of(Refused("field_missing", field="x" * 5_000), request_id="r").detail
    assert len(detail) < 300


def test_english_switches_the_title_only() -> None:
    """Whoever prefers English reads an English title."""
    problem = problem_of(Refused("not_found"), request_id="r", english=True)
    assert problem.title == problem.title_en == "Not found"
    assert "编号" in problem.detail


def test_unknown_code_is_answered_as_refused() -> None:
    """A code that nobody entered yet is still an ordered refusal."""
    problem = problem_of(Refused("brand_new"), request_id="r")
    assert (problem.status, problem.code, problem.type) == (422, "brand_new", "/problems/refused")


def test_faults_come_out_as_errors() -> None:
    """The errors of a body keep their pointers and do not appear twice."""
    fault = Fault(pointer="/title", reason="缺少必填字段")
    problem = problem_of(Refused("body_invalid", errors=[fault]), request_id="r")
    assert problem.errors == (fault,)
    assert problem.params == {}


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Refused("busy"), "busy"),
        (StoreFull(), "storage_full"),
        (StoreBroken(), "store_broken"),
        (OSError(errno.ENOSPC, "full"), "storage_full"),
        (TimeoutError(), "timed_out"),
        (KeyError("x"), None),
        (OSError(errno.EIO, "broken"), "store_broken"),
        (OSError(errno.EBADF, "a slip"), None),
    ],
)
def test_exceptions_become_refusals(fault: Exception, code: str | None) -> None:
    """Expected faults have a code; anything else is a bug and has none."""
    refused = refused_of(fault)
    assert (refused.code if refused else None) == code


@pytest.mark.parametrize(
    ("refused", "wait_s"),
    [
        (Refused("throttled", retry_after_s=30), 30),
        (Refused("busy"), 1),
        (Refused("locked", retry_after_s=1_800), 1_800),
        (Refused("not_found"), None),
        (Refused("busy", retry_after_s=True), 1),
    ],
)
def test_retry_after(refused: Refused, wait_s: int | None) -> None:
    """A passing refusal says when to come back."""
    assert retry_after_s(refused) == wait_s


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (None, False),
        ("en", True),
        ("en-GB,en;q=0.9", True),
        ("zh-CN,zh;q=0.9,en;q=0.8", False),
        ("en;q=0.9,zh;q=0.8", True),
        ("zh;q=0.5,en;q=0.5", False),
        ("en;q=nonsense", False),
        ("*", False),
    ],
)
def test_language_of_titles(header: str | None, *, wanted: bool) -> None:
    """Accept-Language decides, Chinese wins a draw."""
    assert english_wanted(header) is wanted


@given(st.text(max_size=200))
def test_any_language_header_is_read(header: str) -> None:
    """No Accept-Language header is a fault."""
    assert english_wanted(header) in (True, False)


@given(st.dictionaries(st.sampled_from(["units", "reason", "other"]), st.text(max_size=20)))
def test_mend_never_shows_a_place(params: dict[str, str]) -> None:
    """Whatever parameters come, the template's own places are gone."""
    template = "单位 {units}。原因 {reason}。请重试。"
    filled = mend_of(template, dict.fromkeys(params, "x"))
    assert "{" not in filled
    assert filled.endswith("请重试。")


def test_page_of_a_problem_has_no_script() -> None:
    """Each problem's page is plain text in HTML."""
    for entry in CATALOGUE.values():
        page = problem_page(entry)
        assert entry.title_zh in page
        assert "<script" not in page
        assert "{" not in page
