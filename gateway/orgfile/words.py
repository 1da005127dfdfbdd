"""The closed lists of the file in the words of an office, and back to the values of the glossary."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, TypeVar

from inbox_store.nouns import GROUP_ZH, ROLE_ZH, ClerkRank, RegionLevel, Role, RoleScope, Rollout

W = TypeVar("W", bound=str)

LEVEL_ZH: Final[Mapping[RegionLevel, str]] = {
    "city": "市",
    "county": "县（区）",
    "township": "乡镇（街道）",
    "village": "村（社区）",
}
ROLLOUT_ZH: Final[Mapping[Rollout, str]] = {
    "entered": "已录入",
    "applied": "已申请",
    "trained": "已培训",
    "dual": "双轨",
    "live": "正式运行",
}
SCOPE_ZH: Final[Mapping[RoleScope, str]] = {"unit": "本单位", "county": "本县（区）", "city": "全市"}
RANK_ZH: Final[Mapping[ClerkRank, str]] = {"A": "A", "B": "B"}
YES_ZH: Final[Mapping[str, str]] = {"yes": "是", "no": "否"}
TAGS_ZH: Final[Mapping[str, str]] = {
    "head_office": "四大家办公室",
    "operator": "运行管理单位",
    "roster_source": "编制部门",
}
"""Tags the programme acts on; any other tag is the office's own word and stays as it is."""

ROLES_ZH: Final[Mapping[Role, str]] = {role: ROLE_ZH[role] for role in ROLE_ZH}  # type: ignore[misc]


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """``text`` as it is compared: full-width forms folded, blanks removed, lower case."""
    return "".join(unicodedata.normalize("NFKC", text).split()).lower()


def _reading(zh: Mapping[W, str], **also: str) -> dict[str, W]:
    """Every accepted spelling (compared by ``plain``): the Chinese word, the code value, and ``also`` (word=code)."""
    codes = {str(code): code for code in zh}
    spellings = {plain(word): code for code, word in zh.items()}
    spellings.update({plain(text): code for text, code in codes.items()})
    spellings.update({plain(word): codes[code] for word, code in also.items()})
    return spellings


LEVELS: Final = _reading(
    LEVEL_ZH,
    县="county", 区="county", 县区="county", 乡镇="township", 街道="township", 乡="township", 镇="township",
    村="village", 社区="village", 村社="village",
)  # fmt: skip
GROUPS: Final = _reading(
    GROUP_ZH,
    市直单位="city_direct", 县直单位="county_direct", 区直="county_direct", 驻地单位="stationed",
    街道="township", 乡镇街道="township", 村="village", 社区="village",
)  # fmt: skip
ROLLOUTS: Final = _reading(ROLLOUT_ZH, 试运行="dual", 双轨制="dual", 单轨="live")
ROLES: Final = _reading(ROLES_ZH, 公文收发员="clerk", 职工="staff")
RANKS: Final = _reading(RANK_ZH, A角="A", B角="B")
SCOPES: Final = _reading(
    SCOPE_ZH, 单位="unit", 县="county", 区="county", 本县="county", 本区="county", 市="city"
)
YES: Final = _reading(YES_ZH, TRUE="yes", FALSE="no", Y="yes", N="no")
TAGS: Final = _reading(TAGS_ZH)
