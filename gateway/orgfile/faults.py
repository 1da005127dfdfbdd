"""Faults of an organisation file: where it is, what is wrong, how to mend it; in words an office would write."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from inbox_store.nouns import Noun

SHOWN_MAX_CHARS: Final = 40


class Place(NamedTuple):
    """A cell of a file: sheet, row as the spreadsheet counts it (from 1; 0 is the whole sheet), column header."""

    sheet: str = ""
    row: int = 0
    column: str = ""


NOWHERE: Final = Place()


class Fault(Noun, frozen=True, kw_only=True):
    """One finding. A ``warning`` hinders no import. ``value`` is safe to show: cut, and phone numbers masked."""

    code: str
    sheet: str = ""
    row: int = 0
    column: str = ""
    value: str = ""
    reason: str
    mend: str = ""
    warning: bool = False


CATALOGUE: Final[Mapping[str, tuple[str, str]]] = {
    # the file
    "file_missing": ("找不到文件", "核对文件路径"),
    "file_unreadable": ("文件打不开：{detail}", "核对文件权限，确认是普通文件"),
    "file_empty": ("文件是空的", "用“songda org template”生成模板后填写"),
    "file_too_large": (
        "文件有 {size_mib} MiB，超过上限 {max_mib} MiB",
        "删去无关工作表和图片，或分成几个文件导入",
    ),
    "not_xlsx": (
        "文件内容不是 XLSX 工作簿（{seen}）",
        "用表格软件打开后另存为“Excel 工作簿（*.xlsx）”或“CSV UTF-8”",
    ),
    "encrypted": ("文件设有打开密码，无法读取", "取消密码后另存一份再导入"),
    "zip_broken": ("工作簿已损坏：{detail}", "用表格软件重新打开并另存一份"),
    "zip_members": ("工作簿内部部件过多，超过 {max_members} 个", "只保留模板中的工作表，另存一份"),
    "zip_link": ("工作簿内含符号链接，不予读取", "用表格软件重新另存一份"),
    "unpacked_too_large": (
        "工作簿展开后超过 {max_mib} MiB",
        "删去空白格式行和无关工作表，或分成几个文件导入",
    ),
    "ratio_too_high": ("工作簿压缩比超过 {ratio_max} 倍，疑似恶意文件", "删去空白格式行，另存一份"),
    "read_slow": ("读取超过 {seconds} 秒，已停止", "删去空白格式行和无关工作表，或分成几个文件导入"),
    "read_memory": ("读取所需内存超过上限，已停止", "删去远离表格的零散单元格，或分成几个文件导入"),
    "read_broken": ("表格内容已损坏，无法读取（{detail}）", "用表格软件重新打开并另存一份"),
    "too_many_rows": ("数据超过 {max_rows} 行或 {max_cells} 个单元格", "分成几个文件导入"),
    "formulas_everywhere": ("工作表中公式过多", "全选后复制，再“选择性粘贴”为数值"),
    "csv_encoding": (
        "文字编码无法识别（第 {line} 行附近），只支持 UTF-8 和 GB18030",
        "用表格软件另存为“CSV UTF-8（逗号分隔）”",
    ),
    "csv_quotes": ("第 {line} 行起的引号不成对或格式有误", "检查该行的英文双引号，或改用 XLSX"),
    # the table
    "no_table": ("没有认出任何一张表；现有：{seen}", "工作表名用：{sheets}；CSV 首行用模板的表头"),
    "no_rows": ("文件里没有数据行", "从表头下一行起填写"),
    "header_missing": ("没有找到表头行", "第一行填写模板的表头：{headers}"),
    "sheet_twice": ("同一张表出现了两次", "合并为一张工作表"),
    "column_missing": ("缺少列“{column}”{nearest}", "补上这一列，表头照模板填写"),
    "column_twice": ("表头“{column}”出现了两次", "删去多余的一列"),
    "column_misspelt": ("不认识表头“{column}”，疑为“{nearest}”", "改为“{nearest}”，或删去这一列"),
    "column_unknown": ("不认识表头“{column}”，该列未读取", "无须导入时不必处理"),
    "sheet_unknown": ("不认识工作表“{sheet}”，未读取", "无须导入时不必处理"),
    # the cell
    "missing": ("不能为空", "补填"),
    "too_long": ("超过 {max_chars} 字", "缩短"),
    "control": ("含有控制字符或不可见字符", "清除格式后重新填写"),
    "formula": ("单元格是公式", "复制后“选择性粘贴”为数值"),
    "formula_text": ("以“{sign}”开头，会被表格软件当作公式", "删去开头的符号"),
    "bad_code": ("编码只能用字母、数字和“.”“_”“-”，以字母或数字开头，不超过 {max_chars} 位", "改正编码"),
    "scientific": ("数字被表格软件改成了科学计数法，原值已丢失", "先把该列设为“文本”格式，再重新填写"),
    "bad_phone": ("不是有效的手机号（应为 1 开头、第二位 3 至 9 的 11 位数字）", "核对后重填"),
    "bad_login": ("登录名应为 2 至 {max_chars} 位字母、数字或“.”“_”“-”“@”", "改正登录名"),
    "bad_day": ("日期无法识别", "按 2018-04-13 的样子填写"),
    "bad_word": ("不在可选范围内{nearest}", "只能填：{allowed}"),
    "too_many_tags": ("标签超过 {max_tags} 个", "删减"),
    # the relations
    "code_twice": ("编码与第 {rows} 行重复", "一个编码只能用于一行"),
    "name_twice": ("名称与第 {rows} 行相同", "确认不是同一单位；如不是，名称前加地区以示区别"),
    "region_unknown": ("地区编码不存在{nearest}", "在“地区”表补上该地区，或改正编码"),
    "region_cycle": ("上级关系成环：{path}", "改正其中一个上级地区编码"),
    "region_level": (
        "“{level}”的上级不能是“{parent_level}”",
        "上级须高一级：市、县（区）、乡镇（街道）、村（社区）",
    ),
    "region_rootless": ("“{level}”必须填写上级地区编码", "补填上级地区编码"),
    "region_rooted": ("市级地区没有上级", "清空上级地区编码"),
    "city_twice": ("只能有一个市级地区，另见第 {rows} 行", "一套系统对应一个市"),
    "line_unknown": ("条线编码不存在{nearest}", "在“条线”表补上该条线，或改正编码"),
    "unit_unknown": ("单位编码不存在{nearest}", "在“单位”表补上该单位，或改正编码"),
    "unit_level": ("“{group}”单位不能放在{level}级地区，短信费用的承担方会弄错", "改正单位类别或地区编码"),
    "unit_no_clerk": ("单位没有收发员，公文无人签收", "在“人员”表为该单位指定 A、B 两名收发员"),
    "section_unknown": ("该单位没有这个科室编码", "在“科室”表补上，或改正编码"),
    "person_differs": ("同一人员编号的{what}与第 {rows} 行不一致", "同一人须一致；不同的人须用不同编号"),
    "phone_twice": ("手机号与第 {rows} 行的另一人重复", "一个号码只能属于一人，核对后改正"),
    "phone_taken": ("手机号已属于人员 {other}", "核对号码；确需转给此人时，先更正原持有人的号码"),
    "login_twice": ("登录名与第 {rows} 行的另一人重复", "登录名不能重复（不分大小写）"),
    "login_taken": ("登录名已被人员 {owner} 使用", "换一个登录名"),
    "no_appointment": ("人员没有任职：{what}为空", "补填单位编码和角色"),
    "post_twice": ("与第 {rows} 行重复任职", "删去重复的一行，或错开任职起止"),
    "rank_missing": ("收发员必须填写序位", "填 A 或 B"),
    "rank_needless": ("只有收发员才填序位", "清空序位，或把角色改为收发员"),
    "rank_taken": (
        "本单位的 {rank} 角收发员另有其人（第 {rows} 行）",
        "每个单位 A、B 角各一名，任期不能重叠",
    ),
    "rank_held": ("本单位的 {rank} 角收发员现为人员 {owner}", "先在表中填写其任职止，再指定新的收发员"),
    "days_reversed": ("任职止早于任职起", "核对起止日期"),
    "scope_role": ("角色“{role}”的管理范围只能是“本单位”", "改为本单位，或改正角色"),
    "scope_city": ("县（区）及以下单位的人员不能管理全市", "改为“本县（区）”或“本单位”"),
    "scope_county": ("市级单位不属于任何县（区）", "改为“全市”或“本单位”"),
    "roles_joined": (
        "系统管理员、安全管理员、审计管理员不得由一人兼任，该人另任“{other}”{rows}",
        "三员分立，改由不同的人担任",
    ),
    # the outcome
    "left_out": ("所依据的{what}有误，本行未导入", "改正后重新导入"),
    "too_many_faults": ("问题超过 {max_faults} 条，另有 {more} 条未列出", "先改正已列出的问题，再检查一次"),
}
"""code -> (reason, mend); placeholders are filled where the fault is found."""

WARNINGS: Final = frozenset({"column_unknown", "sheet_unknown", "name_twice", "unit_no_clerk", "left_out"})
"""Findings that hinder no import."""

_PHONE = re.compile(r"(1[3-9]\d)(\d{4})(\d{4})")
_DIGITS = re.compile(r"\d{5,}")
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff\ud800-\udfff]"
)


def masked(text: str) -> str:
    """``text`` with every mobile number in it as 138****1234."""
    return _PHONE.sub(r"\1****\3", text)


def _starred(match: re.Match[str]) -> str:
    digits = match.group()
    tail = min(4, len(digits) - 5)
    return digits[:3] + "*" * (len(digits) - 3 - tail) + digits[len(digits) - tail :]


def masked_phone(text: str) -> str:
    """What was typed in a phone column, masked although it may be no number at all."""
    return _DIGITS.sub(_starred, re.sub(r"(?<=\d)[\s\-]+(?=\d)", "", text))


def visible(text: str) -> str:
    """``text`` with phone numbers masked and control and invisible characters as ``\ufffd``."""
    return _UNSEEN.sub("\ufffd", masked(text))


def shown(text: str) -> str:
    """``text`` fit for one line of a terminal, a log or a page: visible, at most SHOWN_MAX_CHARS characters."""
    line = visible(text[: 4 * SHOWN_MAX_CHARS])
    return line if len(line) <= SHOWN_MAX_CHARS else line[: SHOWN_MAX_CHARS - 1] + "…"


def fault(code: str, place: Place = NOWHERE, value: str = "", **params: object) -> Fault:
    """The fault ``code`` of the catalogue at ``place``. Raises KeyError for a code or placeholder it lacks."""
    reason, mend = CATALOGUE[code]
    told = {name: visible(param) if isinstance(param, str) else param for name, param in params.items()}
    return Fault(
        code=code,
        sheet=place.sheet,
        row=place.row,
        column=place.column,
        value=shown(value),
        reason=reason.format(**told),
        mend=mend.format(**told),
        warning=code in WARNINGS,
    )
