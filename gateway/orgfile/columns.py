"""The five tables of an organisation file: their sheets and columns, shared by template, reader, check and writer."""

from __future__ import annotations

from typing import Any, Final, Literal

from gateway.orgfile import words
from inbox_store.nouns import GROUP_ZH, Noun

CODE_MAX_CHARS: Final = 32
NAME_MAX_CHARS: Final = 60
UNIT_NAME_MAX_CHARS: Final = 100
SHORT_NAME_MAX_CHARS: Final = 40
PERSON_NAME_MAX_CHARS: Final = 40
LOGIN_MAX_CHARS: Final = 64
POST_MAX_CHARS: Final = 60
TAG_MAX_CHARS: Final = 20
TAGS_MAX: Final = 16

Need = Literal["cell", "column", "optional"]
"""``cell``: every row fills it in; ``column``: the header must stand, the cell may be blank; ``optional``: neither."""


class Column(Noun, frozen=True, kw_only=True):
    """One column: ``choices`` are the words of its drop-down list, ``hint`` is told in the template."""

    header: str
    need: Need = "optional"
    choices: tuple[str, ...] = ()
    width: int = 14
    hint: str = ""


class Table(Noun, frozen=True, kw_only=True):
    """One sheet, also known by its English name. ``examples`` are two rows told in the template's first sheet."""

    sheet: str
    english: str
    columns: tuple[Column, ...]
    examples: tuple[tuple[str, ...], tuple[str, ...]]

    @property
    def headers(self) -> tuple[str, ...]:
        """The headers in the order of the template."""
        return tuple(column.header for column in self.columns)


def _column(header: str, need: Need, hint: str, **more: Any) -> Column:  # noqa: ANN401 - fields of Column
    return Column(header=header, need=need, hint=hint, **more)


def _choice(zh: dict[Any, str] | Any) -> tuple[str, ...]:  # noqa: ANN401 - any closed list of words.py
    return tuple(zh.values())


CODE_HINT = "字母、数字和“.”“_”“-”，不超过 32 位，不得重复"

REGIONS: Final = Table(
    sheet="地区",
    english="regions",
    columns=(
        _column("地区编码", "cell", CODE_HINT),
        _column("地区名称", "cell", "全称", width=24),
        _column("级别", "cell", "从下拉列表选择", choices=_choice(words.LEVEL_ZH)),
        _column("上级地区编码", "column", "市级不填，其余必填"),
    ),
    examples=(("990100", "示例市", "市", ""), ("990101", "示例县", "县（区）", "990100")),
)
LINES: Final = Table(
    sheet="条线",
    english="lines",
    columns=(
        _column("条线编码", "cell", CODE_HINT),
        _column("条线名称", "cell", "如教育、卫生健康", width=24),
    ),
    examples=(("edu", "教育"), ("health", "卫生健康")),
)
UNITS: Final = Table(
    sheet="单位",
    english="units",
    columns=(
        _column("单位编码", "cell", CODE_HINT, width=18),
        _column("单位名称", "cell", "全称", width=36),
        _column("简称", "optional", "不填则同单位名称", width=20),
        _column("单位类别", "cell", "从下拉列表选择", choices=_choice(GROUP_ZH)),
        _column("地区编码", "cell", "“地区”表中的编码"),
        _column("条线编码", "optional", "“条线”表中的编码"),
        _column("标签", "optional", "多个用“、”隔开", width=20),
        _column("应启用", "cell", "是否计入应启用单位", choices=_choice(words.YES_ZH), width=10),
        _column("推行阶段", "optional", "不填为“已录入”", choices=_choice(words.ROLLOUT_ZH)),
        _column("启用日期", "optional", "如 2018-04-13，不填为导入之日"),
    ),
    examples=(
        ("990100-001", "示例市人民政府办公室", "示例市政府办", "市直", "990100", "", "四大家办公室", "是", "正式运行", "2018-01-01"),
        ("990101-001", "示例县教育局", "示例县教育局", "县直", "990101", "edu", "", "是", "双轨", ""),
    ),
)  # fmt: skip
SECTIONS: Final = Table(
    sheet="科室",
    english="sections",
    columns=(
        _column("单位编码", "cell", "“单位”表中的编码", width=18),
        _column("科室编码", "cell", "在本单位内不得重复"),
        _column("科室名称", "cell", "如秘书科", width=24),
    ),
    examples=(("990100-001", "01", "秘书科"), ("990100-001", "02", "信息科")),
)
PEOPLE: Final = Table(
    sheet="人员",
    english="people",
    columns=(
        _column("人员编号", "cell", "一人一号；一人多职填多行，编号相同"),
        _column("姓名", "cell", ""),
        _column("手机号", "column", "11 位，一人一号，可空", width=16),
        _column("登录名", "optional", "可空，不填由系统生成", width=16),
        _column("单位编码", "cell", "“单位”表中的编码", width=18),
        _column("科室编码", "optional", "“科室”表中的编码"),
        _column("角色", "cell", "从下拉列表选择", choices=_choice(words.ROLES_ZH)),
        _column("收发员序位", "optional", "收发员必填，其他角色不填", choices=_choice(words.RANK_ZH), width=12),
        _column("职务", "optional", "如科长", width=16),
        _column("管理范围", "optional", "不填为“本单位”", choices=_choice(words.SCOPE_ZH)),
        _column("任职起", "optional", "如 2018-04-13，可空"),
        _column("任职止", "optional", "最后在任日，可空"),
    ),
    examples=(
        ("R0001", "张示例", "15400000001", "", "990100-001", "01", "收发员", "A", "科员", "本单位", "2018-01-01", ""),
        ("R0002", "李示例", "15400000002", "", "990101-001", "", "主要领导", "", "局长", "", "", ""),
    ),
)  # fmt: skip

TABLES: Final = (REGIONS, LINES, UNITS, SECTIONS, PEOPLE)
GUIDE_SHEET: Final = "说明"

TABLE_BY_NAME: Final = {name: table for table in TABLES for name in (table.sheet, table.english)}


def table_named(name: str) -> Table | None:
    """The table a sheet of this name is: by its Chinese or English name, with or without a closing 表."""
    return TABLE_BY_NAME.get(words.plain(name[:64]).removesuffix("表"))
