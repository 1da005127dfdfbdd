"""The settings of mail: alerts going out through the office's relay, documents coming in by SMTP."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from config import checks
from config.section import MIB, Key, Section


class Mail(Section, frozen=True, kw_only=True):
    """邮件提醒 · alerts by mail"""

    host: Annotated[
        str,
        Key("发信服务器（单位的邮件中继）；留空则不发邮件", "The office's mail relay; empty: no mail leaves"),
    ] = ""
    port: Annotated[int, Meta(ge=1, le=65535), Key("发信服务器端口", "Its port")] = 587
    security: Annotated[
        Literal["starttls", "tls", "none"],
        Key(
            "加密方式：starttls（587）、tls（465）、none（只用于本机中继）",
            "STARTTLS (587), TLS from the start (465), or none for a relay on this machine",
        ),
    ] = "starttls"
    ca_file: Annotated[
        str,
        Key(
            "签发中继证书的机构证书（PEM）；留空用系统的",
            "Who signed its certificate; empty: the system's",
            path=True,
        ),
    ] = ""
    digest_minutes: Annotated[
        int,
        Meta(ge=0, le=1440),
        Key(
            "平件合并为一封的间隔，0 为一事一封；特急、特提立即发",
            "Ordinary alerts leave as one mail every so many minutes; 0: each by itself; extra urgent ones at once",
            "分钟 minutes",
        ),
    ] = 120
    user: Annotated[
        str,
        Key(
            "发信帐户；口令写在密钥目录的 mail.secret",
            "Account; its password stands in mail.secret among the keys",
        ),
    ] = ""
    sender: Annotated[
        str, Key("发件地址，如 songda@example.gov.cn", "Address in From", check=checks.mail_address)
    ] = "songda@localhost.localdomain"
    sender_name: Annotated[str, Meta(min_length=1), Key("发件人名称", "Name in From")] = "送达提醒"
    domain: Annotated[
        str,
        Key(
            "退信和退订地址所用的域名，其邮件应转回本系统的邮件入口；留空为发件地址的域名",
            "Domain of bounce addresses, routed to the mail door; empty: the sender's",
            check=checks.mail_domain,
        ),
    ] = ""
    resend_in_doubt: Annotated[
        bool,
        Key(
            "中继是否已收下不明时再发一次（同一 Message-ID）",
            "Send once more, under the same Message-ID, what the relay may have taken",
        ),
    ] = True

    @property
    def marks_domain(self) -> str:
        """The domain of the addresses that name our mails."""
        return self.domain or self.sender.rpartition("@")[2]


class Smtp(Section, frozen=True, kw_only=True):
    """邮件入口 · documents by mail"""

    host: Annotated[str, Meta(min_length=1), Key("监听地址", "Address to listen on")] = "127.0.0.1"
    port: Annotated[
        int, Meta(ge=0, le=65535), Key("监听端口；0 表示不开邮件入口", "Port to listen on; 0: no mail door")
    ] = 0
    tls_cert: Annotated[
        str,
        Key(
            "TLS 证书链文件（PEM）；开邮件入口必须填写",
            "TLS certificate chain (PEM); the door needs one",
            path=True,
        ),
    ] = ""
    tls_key: Annotated[str, Key("TLS 私钥文件（PEM）", "TLS private key (PEM)", path=True)] = ""
    tls: Annotated[
        Literal["starttls", "implicit"],
        Key("starttls（587）或连接即加密（465）", "STARTTLS (587), or TLS from the first byte (465)"),
    ] = "starttls"
    domains: Annotated[
        tuple[str, ...],
        Key("收哪些域名的邮件", "Domains that mail is taken for", check=checks.mail_domain),
    ] = ("songda.local",)
    size_max_bytes: Annotated[
        int, Meta(ge=1024, le=256 * MIB), Key("一封邮件的最大长度", "Largest mail", "字节 bytes")
    ] = 35 * MIB
    recipients_max: Annotated[
        int, Meta(ge=1, le=1_000), Key("一封邮件最多几个收件地址", "Most recipients of one mail", "个")
    ] = 100
    connections_max: Annotated[
        int, Meta(ge=1, le=1_000), Key("同时最多几个连接", "Most connections at once", "个")
    ] = 100
    per_address_max: Annotated[
        int, Meta(ge=1, le=1_000), Key("同一地址最多几个连接", "Most connections from one address", "个")
    ] = 10
    memory_max_bytes: Annotated[
        int,
        Meta(ge=MIB, le=16384 * MIB),
        Key("正在接收的邮件合计最多占用的内存", "Memory of all mails being received", "字节 bytes"),
    ] = 256 * MIB
