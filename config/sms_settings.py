"""The settings of short messages: what they say, how they leave, whom they spare."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from config import checks
from config.section import Key, Section


class Sms(Section, frozen=True, kw_only=True):
    """短信 · short messages"""

    signature: Annotated[
        str,
        Meta(min_length=1),
        Key("短信签名，须在运营商报备", "Signature registered with the carrier", check=checks.signature),
    ] = "【送达】"
    price_li: Annotated[
        int,
        Meta(ge=0, le=10_000),
        Key("预估费用用的单价", "Price used in estimates", "厘/条 li a segment (0.001 yuan)"),
    ] = 50
    segments_max: Annotated[
        int, Meta(ge=1, le=20), Key("一条长短信最多分段", "Most segments of one text", "条 segments")
    ] = 10
    text_document: Annotated[
        str,
        Meta(min_length=1),
        Key(
            "公文提醒的内容，签名另加；可用 {urgency} {what} {title} {act} {how} {ask}",
            "What a message about a document says, the signature aside; {title} is empty unless it is public",
            check=checks.template,
        ),
    ] = "您有1份{urgency}{what}{title}待{act}，{how}{ask}"
    text_meeting: Annotated[
        str,
        Meta(min_length=1),
        Key(
            "会议通知提醒的内容，同上；{ask} 为回复说明，通道有扩展位时才有",
            "The same for a meeting notice; {ask} tells how to answer by reply, where a channel brings replies",
            check=checks.template,
        ),
    ] = "您有1份{urgency}{what}{title}待{act}，{how}{ask}"
    channels_file: Annotated[
        str,
        Key(
            "短信通道表（TOML，每个通道一个 [[channel]]，样本见 deploy/channels.toml）；留空则不发短信",
            "The channels, a table [[channel]] each (see deploy/channels.toml); empty: no message leaves",
            path=True,
        ),
    ] = ""
    quiet_hours: Annotated[
        str,
        Key("免打扰时段，特急除外；留空为不限", "No messages then but extra urgent ones", check=checks.quiet),
    ] = "22:00-07:00"
    person_day: Annotated[
        int,
        Meta(ge=0, le=10_000),
        Key("每人每天最多收几条短信，特急除外；0 为不限", "Messages a person a day; 0: any", "条 messages"),
    ] = 50
    unit_day: Annotated[
        int,
        Meta(ge=0, le=10_000_000),
        Key(
            "每个发文单位每天最多发几条短信，特急除外；0 为不限",
            "Messages a sending unit a day; 0: any",
            "条 messages",
        ),
    ] = 0
    short_link: Annotated[
        bool,
        Key(
            "短信末尾附一次性办理链接（凭短信即可签收、回复会议）",
            "A link in each message, by which its holder signs or answers once",
        ),
    ] = False
    urgent_override: Annotated[
        bool,
        Key(
            "县（区）停用短信后，特急短信仍然发送、费用由市承担",
            "Extra urgent passes a county's switch-off, at the city's cost",
        ),
    ] = False
    lives: Annotated[
        tuple[str, ...],
        Key(
            "各类提醒的有效时间（类别=分钟），过时不发；未列出的用内置值",
            "Minutes after which an alert is no longer sent, as kind=minutes; others keep the built-in ones",
            check=checks.life,
        ),
    ] = ()
