"""Every setting: its section, type, range and default, with what it means beside it.

The sections are frozen structs, built once at the start by `config.loading` and passed on as values. Each key
carries a `Key` (meaning in Chinese and English, unit, further check), from which the annotated sample and
`songda config explain` are written: there is no second list to keep in step.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, field

from config import checks
from config.mail_settings import Mail, Smtp
from config.push_settings import Push
from config.section import MIB, Key, Section
from config.sms_settings import Sms

AttachmentType = Literal[
    "pdf", "ofd", "docx", "doc", "wps", "xlsx", "xls", "et", "pptx", "png", "jpg", "txt"
]  # the kinds whose content the gateway can tell from their first bytes


class Server(Section, frozen=True, kw_only=True):
    """网络入口 · where requests come in"""

    host: Annotated[
        str, Meta(min_length=1), Key("监听地址；127.0.0.1 只供本机访问", "Address to listen on")
    ] = "127.0.0.1"
    port: Annotated[
        int,
        Meta(ge=0, le=65535),
        Key("监听端口；0 表示由系统分配", "Port to listen on; 0 lets the system choose"),
    ] = 8080
    public_url: Annotated[
        str,
        Key(
            "用户在浏览器里看到的地址；留空则由监听地址和端口得出",
            "Address people see; empty: made from host and port",
            check=checks.url,
        ),
    ] = ""
    origins: Annotated[
        tuple[str, ...],
        Key(
            "允许建立实时连接的网页来源；public_url 总在其内",
            "Web origins allowed to open live sockets, besides public_url",
            check=checks.origin,
        ),
    ] = ()
    trusted_proxies: Annotated[
        tuple[str, ...],
        Key(
            "可信反向代理的地址或网段；只采信它们的 X-Forwarded-For",
            "Reverse proxies whose X-Forwarded-For is believed (address or network)",
            check=checks.network,
        ),
    ] = ()
    tls_cert: Annotated[
        str,
        Key("TLS 证书链文件（PEM）；与 tls_key 同时填写或同时留空", "TLS certificate chain (PEM)", path=True),
    ] = ""
    tls_key: Annotated[str, Key("TLS 私钥文件（PEM）", "TLS private key (PEM)", path=True)] = ""
    body_max_bytes: Annotated[
        int,
        Meta(ge=1024, le=64 * MIB),
        Key(
            "一个请求的最大长度，附件和导入文件除外",
            "Largest request but for attachments and imports",
            "字节 bytes",
        ),
    ] = MIB
    head_timeout_s: Annotated[
        float,
        Meta(ge=0.1, le=60),
        Key(
            "一个请求的首行和头部须在多久内到齐",
            "Time for the first line and headers of a request to come",
            "秒 seconds",
        ),
    ] = 10
    drain_s: Annotated[
        float,
        Meta(ge=0, le=300),
        Key(
            "停止时等待在途请求和连接收尾的时间", "How long a stop waits for what is under way", "秒 seconds"
        ),
    ] = 8

    @property
    def address(self) -> str:
        """The address people see, without a slash at the end."""
        scheme = "https" if self.tls_cert else "http"
        return self.public_url.rstrip("/") or f"{scheme}://{self.host}:{self.port}"


class Store(Section, frozen=True, kw_only=True):
    """存储 · where facts are kept"""

    path: Annotated[
        str,
        Meta(min_length=1),
        Key("数据目录：数据库、附件和密钥都在其中", "Data folder: database, attachments and keys", path=True),
    ] = "./songda-data"
    readers: Annotated[
        int,
        Meta(ge=1, le=16),
        Key("只读连接数，查询不等写入", "Read connections; reads never wait for the writer", "个"),
    ] = 3


class Security(Section, frozen=True, kw_only=True):
    """帐户与登录 · accounts and log-in"""

    access_minutes: Annotated[
        int, Meta(ge=1, le=120), Key("访问令牌有效期", "Life of an access token", "分钟 minutes")
    ] = 15
    refresh_days: Annotated[
        int, Meta(ge=1, le=90), Key("刷新令牌有效期", "Life of a refresh token", "天 days")
    ] = 7
    ticket_s: Annotated[
        int,
        Meta(ge=5, le=30),
        Key(
            "实时连接一次性票据的有效期（ASVS 4.4 要求不超过 30 秒）",
            "Life of a one-use socket ticket",
            "秒 seconds",
        ),
    ] = 30
    password_policy: Annotated[
        Literal["mlps3", "asvs"],
        Key(
            "口令规则：mlps3 按等保三级（四类字符取三类），asvs 只看长度和常见口令表",
            "Password rule: MLPS level three, or OWASP ASVS 5 without composition rules",
        ),
    ] = "mlps3"  # noqa: S105 - the name of a rule
    password_min_length: Annotated[
        int, Meta(ge=8, le=64), Key("口令最短长度", "Shortest password", "字符 characters")
    ] = 8
    lock_failures: Annotated[
        int,
        Meta(ge=3, le=10),
        Key("连续失败多少次后锁定帐户", "Failures in a row that lock an account", "次"),
    ] = 5
    lock_minutes: Annotated[
        int, Meta(ge=15, le=1440), Key("锁定时长", "How long a lock lasts", "分钟 minutes")
    ] = 30
    activation_days: Annotated[
        int, Meta(ge=1, le=90), Key("一次性激活码有效期", "Life of an activation code", "天 days")
    ] = 30
    login_per_minute_per_address: Annotated[
        int,
        Meta(ge=1, le=10_000),
        Key("同一地址每分钟最多登录尝试次数", "Log-in attempts a minute from one address", "次"),
    ] = 60
    keys_path: Annotated[
        str,
        Key(
            "密钥目录；留空为数据目录下的 keys。密钥文件在首次启动时生成，权限 600，不写在本文件里",
            "Folder of the key files; empty: keys/ in the data folder. Made on the first start with mode 600",
            path=True,
        ),
    ] = ""


class Dispatch(Section, frozen=True, kw_only=True):
    """发文 · sending documents"""

    approval_share: Annotated[
        float,
        Meta(gt=0, le=1),
        Key(
            "发文范围达到在用单位的这一比例即为普发，须第二人批准",
            "Share of the live units from which a second person must approve",
        ),
    ] = 0.5
    attachment_max_bytes: Annotated[
        int, Meta(ge=1024, le=1024 * MIB), Key("单个附件的最大长度", "Largest attachment", "字节 bytes")
    ] = 50 * MIB
    attachment_types: Annotated[
        tuple[AttachmentType, ...],
        Key("允许的附件类型，按内容核对", "Kinds of attachment taken, told by content and not by name"),
    ] = ("pdf", "ofd", "docx", "doc", "wps", "xlsx", "xls", "et", "pptx", "png", "jpg", "txt")
    empty_body: Annotated[
        Literal["warn", "refuse"],
        Key(
            "正文为空、只有附件的公文：提醒并计数，或拒绝",
            "A document with attachments but no body: warn or refuse",
        ),
    ] = "warn"
    idempotency_days: Annotated[
        int,
        Meta(ge=1, le=30),
        Key("Idempotency-Key 的保留期", "How long an Idempotency-Key is remembered", "天 days"),
    ] = 7
    folder_rules_file: Annotated[
        str,
        Key(
            "收件箱归夹规则（TOML，[[rules]] 各行带生效日期）；留空用内置规则",
            "Rows [[rules]] that sort documents into folders, dated; they come before the built-in ones",
            path=True,
        ),
    ] = ""
    chunk_rows: Annotated[
        int,
        Meta(ge=100, le=200_000),
        Key(
            "分发时每批写入的行数；每批之间让出写入权",
            "Rows of one fan-out chunk; others may write in between",
            "行",
        ),
    ] = 8_000


class Deadlines(Section, frozen=True, kw_only=True):
    """时限 · deadlines by urgency"""

    workdays_file: Annotated[
        str,
        Key(
            "补充或更正节假日安排的文件；留空只用内置年份",
            "File that adds or corrects days off and make-up days; empty: the built-in years",
            path=True,
        ),
    ] = ""
    hours: Annotated[
        str,
        Meta(min_length=1),
        Key("工作时段，按先后用逗号分开", "Working hours, in order, with commas", check=checks.hours),
    ] = "08:30-12:00,14:30-18:00"
    sign_extra_urgent_minutes: Annotated[
        int,
        Meta(ge=1, le=1440),
        Key("特急件签收时限，不分昼夜", "Sign-for deadline, extra urgent, any hour", "分钟"),
    ] = 30
    sign_urgent_work_hours: Annotated[
        int, Meta(ge=1, le=80), Key("加急件签收时限", "Sign-for deadline, urgent", "工作小时 working hours")
    ] = 2
    sign_ordinary_work_hours: Annotated[
        int, Meta(ge=1, le=80), Key("平件签收时限", "Sign-for deadline, ordinary", "工作小时 working hours")
    ] = 4
    handle_extra_urgent_work_days: Annotated[
        int,
        Meta(ge=1, le=60),
        Key("特急件办理时限", "Handling deadline, extra urgent", "工作日 working days"),
    ] = 1
    handle_urgent_work_days: Annotated[
        int, Meta(ge=1, le=60), Key("加急件办理时限", "Handling deadline, urgent", "工作日 working days")
    ] = 2
    handle_ordinary_work_days: Annotated[
        int, Meta(ge=1, le=60), Key("平件办理时限", "Handling deadline, ordinary", "工作日 working days")
    ] = 7


class Urging(Section, frozen=True, kw_only=True):
    """催办与红黄灯 · urging, amber and red lights"""

    sign_extra_urgent_minutes: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=10_080)], ...],
        Key(
            "特急件发出后多久催签，依次为 A 角、B 角、负责领导；不分昼夜",
            "Minutes after sending at which clerk A, clerk B and the leader are urged; any hour",
            "分钟 minutes",
        ),
    ] = (10, 20, 25)
    sign_urgent_minutes: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=10_080)], ...],
        Key("加急件发出后多久催签，依次同上", "The same for urgent ones", "工作分钟 working minutes"),
    ] = (60, 90, 105)
    sign_ordinary_minutes: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=10_080)], ...],
        Key("平件发出后多久催签，依次同上", "The same for ordinary ones", "工作分钟 working minutes"),
    ] = (120, 180, 210)
    handle_before_minutes: Annotated[
        tuple[Annotated[int, Meta(ge=0, le=10_080)], ...],
        Key(
            "办理时限前多久催办，依次为承办人、A 角、负责领导",
            "Minutes before the handling deadline at which handler, clerk A and the leader are urged",
            "工作分钟 working minutes",
        ),
    ] = (420, 210, 60)
    reply_before_minutes: Annotated[
        tuple[Annotated[int, Meta(ge=0, le=10_080)], ...],
        Key(
            "会议报名截止前多久催报，依次为 A 角、B 角、负责领导",
            "Minutes before a meeting's reply deadline at which clerks A, B and the leader are urged",
            "工作分钟 working minutes",
        ),
    ] = (210, 120, 30)
    sms: Annotated[
        Literal["ticked", "always", "never"],
        Key(
            "自动催办是否发短信：发文时勾选的才发、都发、只有特急件发",
            "Short messages of the ladder: where the sender ticked them, always, or for extra urgent only",
        ),
    ] = "ticked"
    throttle_minutes: Annotated[
        int,
        Meta(ge=1, le=1440),
        Key("人工催办同一单位的最短间隔", "Least time between two urges of one unit by hand", "分钟 minutes"),
    ] = 10
    amber_extra_urgent_minutes: Annotated[
        int,
        Meta(ge=0, le=1440),
        Key("特急件时限前多久亮黄灯", "Amber light before a deadline, extra urgent", "分钟 minutes"),
    ] = 10
    amber_sign_work_hours: Annotated[
        int, Meta(ge=0, le=80), Key("签收时限前多久亮黄灯", "Amber, sign-for", "工作小时 working hours")
    ] = 1
    amber_handle_work_hours: Annotated[
        int, Meta(ge=0, le=400), Key("办理时限前多久亮黄灯", "Amber, handling", "工作小时 working hours")
    ] = 7
    amber_reply_work_hours: Annotated[
        int, Meta(ge=0, le=80), Key("会议报名截止前多久亮黄灯", "Amber, reply", "工作小时 working hours")
    ] = 2
    request_work_hours: Annotated[
        int,
        Meta(ge=1, le=80),
        Key(
            "请假和审批申请多久无人处理即转下一位领导",
            "A request nobody acted on goes to the next leader after so long",
            "工作小时 working hours",
        ),
    ] = 4


class Live(Section, frozen=True, kw_only=True):
    """实时连接 · live sockets"""

    sessions_max: Annotated[
        int,
        Meta(ge=1, le=1_000_000),
        Key(
            "最多同时打开的实时连接数；受进程可打开文件数限制，超过的稍后再连",
            "Most open live sockets; fewer where the process may not open so many files",
            "个",
        ),
    ] = 25_000
    queue_max_bytes: Annotated[
        int,
        Meta(ge=4096, le=64 * MIB),
        Key(
            "一个连接的待发上限，超过即断开，重连后续传",
            "Unsent bytes at which a slow reader is cut off",
            "字节 bytes",
        ),
    ] = 262_144
    heartbeat_s: Annotated[
        float, Meta(ge=1, le=300), Key("心跳间隔", "Time between heartbeats", "秒 seconds")
    ] = 30
    slice: Annotated[
        int,
        Meta(ge=1, le=10_000),
        Key("每轮循环最多推送的连接数", "Sockets served in one turn of the loop", "个"),
    ] = 64
    hello_timeout_s: Annotated[
        float,
        Meta(ge=0.1, le=60),
        Key("连接后多久内必须出示票据", "Time to show a ticket after connecting", "秒 seconds"),
    ] = 10


class Imports(Section, frozen=True, kw_only=True):
    """组织导入 · importing the organisation"""

    file_max_bytes: Annotated[
        int, Meta(ge=1024, le=1024 * MIB), Key("导入文件的最大长度", "Largest file", "字节 bytes")
    ] = 32 * MIB
    unpacked_max_bytes: Annotated[
        int,
        Meta(ge=1024, le=8192 * MIB),
        Key("XLSX 解压后的最大长度", "Largest size of an XLSX file unpacked", "字节 bytes"),
    ] = 512 * MIB
    time_max_s: Annotated[
        float, Meta(ge=1, le=600), Key("读取文件的时间上限", "Longest time to read a file", "秒 seconds")
    ] = 50
    memory_max_bytes: Annotated[
        int,
        Meta(ge=64 * MIB, le=16384 * MIB),
        Key("读取进程的内存上限", "Memory of the process that reads the file", "字节 bytes"),
    ] = 1024 * MIB
    rows_max: Annotated[int, Meta(ge=1, le=2_000_000), Key("最多行数", "Most rows", "行 rows")] = 400_000


class Audit(Section, frozen=True, kw_only=True):
    """审计 · the trace"""

    retention_days: Annotated[
        int,
        Meta(ge=180, le=36_500),
        Key(
            "审计记录保留期；网络安全法要求不少于六个月",
            "How long the trace is kept; the law asks six months",
            "天 days",
        ),
    ] = 180


class Log(Section, frozen=True, kw_only=True):
    """日志 · the log"""

    level: Annotated[
        Literal["debug", "info", "warning", "error"], Key("记录级别", "Least level that is written")
    ] = "info"
    format: Annotated[
        Literal["console", "json"], Key("console 便于阅读，json 便于采集", "For people, or for a collector")
    ] = "console"


class Settings(Section, frozen=True, kw_only=True):
    """All settings of one process."""

    server: Server = field(default_factory=Server)
    store: Store = field(default_factory=Store)
    security: Security = field(default_factory=Security)
    dispatch: Dispatch = field(default_factory=Dispatch)
    deadlines: Deadlines = field(default_factory=Deadlines)
    urging: Urging = field(default_factory=Urging)
    live: Live = field(default_factory=Live)
    imports: Imports = field(default_factory=Imports)
    sms: Sms = field(default_factory=Sms)
    push: Push = field(default_factory=Push)
    mail: Mail = field(default_factory=Mail)
    smtp: Smtp = field(default_factory=Smtp)
    audit: Audit = field(default_factory=Audit)
    log: Log = field(default_factory=Log)

    @property
    def data_folder(self) -> Path:
        """Where everything is kept."""
        return Path(self.store.path)

    @property
    def keys_folder(self) -> Path:
        """Where the key files lie."""
        return Path(self.security.keys_path) if self.security.keys_path else self.data_folder / "keys"
