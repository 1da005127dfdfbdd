"""Marks of secrecy are found, ordinary words are left alone."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rules.marks import HEAD_LINES, mark_in_body, mark_in_file_name, mark_in_title

ABOUT = "关于加强春季防火工作的通知"

MARKED_TITLES = [
    ("秘密★5年", "秘密"),
    (f"秘密★{ABOUT}", "秘密"),
    (f"机密★ {ABOUT}", "机密"),
    (f"{ABOUT} 绝密★启封", "绝密"),
    (f"机密☆10年 {ABOUT}", "机密"),
    (f"秘密*1年 {ABOUT}", "秘密"),
    (f"秘密＊１年　{ABOUT}", "秘密"),
    (f"【绝密】{ABOUT}", "绝密"),
    (f"（秘密）{ABOUT}", "秘密"),
    (f"{ABOUT}（机密）", "机密"),
    (f"{ABOUT}〔机密·10年〕", "机密"),
    (f"[秘密级]{ABOUT}", "秘密"),
    (f"( 机密 特急 ){ABOUT}", "机密"),
    (f"（秘密文件）{ABOUT}", "秘密"),
    ("密级：秘密", "秘密"),
    (f"密 级 : 机密 {ABOUT}", "机密"),
    (f"{ABOUT} 密级 绝密", "绝密"),
    (f"机密 {ABOUT}", "机密"),
    (f"机密　{ABOUT}", "机密"),
    (f"机密{ABOUT}", "机密"),
    (f"秘 密 {ABOUT}", "秘密"),
    (f"绝　密　{ABOUT}", "绝密"),
    (f"秘密：{ABOUT}", "秘密"),
    (f"秘密特急 {ABOUT}", "秘密"),
    (f"机密级 {ABOUT}", "机密"),
    (f"秘密 5年 {ABOUT}", "秘密"),
    (f"机密十年{ABOUT}", "机密"),
    (f"{ABOUT} 机密", "机密"),
    (f"{ABOUT}——机密", "机密"),
    ("绝密", "绝密"),
    ("机密文件", "机密"),
    (f"絕密★{ABOUT}", "绝密"),
    (f"【機密】{ABOUT}", "机密"),
    (f"（祕密）{ABOUT}", "秘密"),
    (f"密級：機密 {ABOUT}", "机密"),
    (f"秘\u200b密\ufeff★{ABOUT}", "秘密"),
]

PLAIN_TITLES = [
    "",
    ABOUT,
    "关于加强商业秘密保护的通知",
    "商业秘密保护条例",
    "关于做好保密工作的通知",
    "关于调整市委保密委员会的通知",
    "关于秘书处人员分工的通知",
    "机密性检查工作方案",
    "秘密文件管理办法",
    "机密载体清退工作的通知",
    "秘密级载体管理规定",
    "绝密、机密级文件流转办法",
    "关于印发《机密文件管理办法》的通知",
    "关于学习《中华人民共和国保守国家秘密法》的通知",
    "关于《秘密》一书的推荐",
    "关于保守国家秘密十年规划的通知",
    "关于保守国家 秘密",
    "关于密级标志使用的通知",
    "密级分为绝密、机密、秘密三级的说明",
    "关于密码工作的通知（机密性测评）",
    "关于评选2018年度“机密”摄影展的通知",
    "秘密战线先进事迹报告会的通知",
    "涉密人员管理办法（绝密、机密、秘密岗位适用）",
]

MARKED_BODIES = [
    "秘密★5年\n云水市人民政府文件\n各县区：",
    "000001\n机密★10年\n特急\n",
    "份号：000012    秘密★1年",
    "云政发〔2018〕3号　　机密\n各县区：",
    "\n\n　　绝密\n各县区：",
    "密级：机密    编号：12\n各县区：",
    "（秘密）\n各县区：",
    "秘密 特急\n各县区：",
    "機密★長期\n各縣區：",
    "<p style='x'>秘密★5年</p><p>各县区：</p>",
    "<div><b>机</b>密</div><div>各县区：</div>",
    "<td>&#31192;&#23494;&nbsp;</td><td>各县区</td>",
    "<p>&nbsp;</p><h1>秘&emsp;密</h1>",
]

PLAIN_BODIES = [
    "",
    "各县区：\n现将商业秘密保护条例印发给你们，请认真执行。",
    "各县区：\n国家秘密分为绝密、机密、秘密三级。\n秘密，是一般的国家秘密。\n",
    "绝密：最重要的国家秘密；机密：重要的国家秘密。",
    "各县区：\n要做到保守国家\n秘密，防止泄露\n机密事项。",
    "要求：严守国家  秘密",
    "**机密**性、完整性、可用性要求如下。",
    "秘密工作者的故事",
    "各县区：\n" * HEAD_LINES + "秘密★5年",
    "<!-- 秘密★5年 -->各县区：",
    '<p title="秘密★5年">各县区：</p>',
]

MARKED_NAMES = [
    ("秘密.docx", "秘密"),
    ("机密★5年.pdf", "机密"),
    ("秘密-关于春季防火的通知.docx", "秘密"),
    ("机密_名单.xlsx", "机密"),
    ("（绝密）方案.pdf", "绝密"),
    ("关于春季防火的通知（秘密）.wps", "秘密"),
    ("关于春季防火的通知.机密.pdf", "机密"),
    ("名单-秘密.xlsx", "秘密"),
    ("附件1 机密.docx", "机密"),
    ("秘密(1).docx", "秘密"),
    ("机密文件.pdf", "机密"),
    ("机密/名单.xlsx", "机密"),
    ("C:\\资料\\绝密\\方案.doc", "绝密"),
    ("【機密】名單.pdf", "机密"),
]

PLAIN_NAMES = [
    "",
    "通知.docx",
    "商业秘密保护条例.docx",
    "保密承诺书.pdf",
    "秘书处名单.xlsx",
    "机密性检查表.xlsx",
    "中华人民共和国保守国家秘密法.pdf",
    "秘密文件登记表（空表）.xls",
    "国家秘密.pdf",
    "保守国家-秘密.pdf",
]


@pytest.mark.parametrize(("title", "level"), MARKED_TITLES)
def test_marked_titles(title: str, level: str) -> None:
    """A mark in a title is found in every form an office writes it."""
    assert mark_in_title(title) == level


@pytest.mark.parametrize("title", PLAIN_TITLES)
def test_plain_titles(title: str) -> None:
    """A title that only speaks of secrets passes."""
    assert mark_in_title(title) is None


@pytest.mark.parametrize("body", MARKED_BODIES)
def test_marked_bodies(body: str) -> None:
    """A mark in the head of a body is found, in plain text and in markup."""
    assert mark_in_body(body) in {"绝密", "机密", "秘密"}


@pytest.mark.parametrize("body", PLAIN_BODIES)
def test_plain_bodies(body: str) -> None:
    """Sentences that speak of secrets pass, and so does what stands below the head."""
    assert mark_in_body(body) is None


@pytest.mark.parametrize(("name", "level"), MARKED_NAMES)
def test_marked_file_names(name: str, level: str) -> None:
    """A mark in a file name, in its folder or before its extension is found."""
    assert mark_in_file_name(name) == level


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_plain_file_names(name: str) -> None:
    """File names that only speak of secrets pass."""
    assert mark_in_file_name(name) is None


@given(st.sampled_from(["绝密", "机密", "秘密"]), st.text("甲乙 \n1a(★", max_size=20), st.sampled_from("★☆※"))
def test_a_starred_level_is_always_a_mark(level: str, around: str, star: str) -> None:
    """The form of the standard is found wherever it stands in a title."""
    assert mark_in_title(f"{around}{level}{star}{around}") in {"绝密", "机密", "秘密"}


@given(st.text(max_size=200))
def test_nothing_breaks_the_rules(text: str) -> None:
    """Any text has an answer."""
    answers = {None, "绝密", "机密", "秘密"}
    assert {mark_in_title(text), mark_in_body(text), mark_in_file_name(text)} <= answers


@pytest.mark.parametrize(
    "piece", ["<!--", "<a ", "秘 ", "密 级 ", "[ 秘密 ", "　" * 7, "秘密级", "((((", " -"]
)
def test_no_text_is_slow(piece: str) -> None:
    """A hostile text of a megabyte costs a bounded time."""
    text = piece * (1_000_000 // len(piece))
    begun = time.process_time()
    mark_in_title(text[:2_000])
    mark_in_file_name(text[:2_000])
    mark_in_body(text)
    assert time.process_time() - begun < 1
