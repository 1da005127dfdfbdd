"""Pure modules decide over what they are given: they import no I/O, no clock and no randomness, and ask for none."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from tests.house.tree import ROOMS, dotted, imports_of, modules, name_of, tree_of

PURE = (
    "inbox_store.nouns",
    "inbox_store.states",
    "inbox_store.chain",
    "inbox_store.times",
    "inbox_store.org",
    "inbox_store.orgrows",
    "inbox_store.errors",
    "inbox_store.ledger",
    "inbox_store.engine",  # the steps of a program and the port that runs them; the engines lie elsewhere
    "inbox_store.grams",
    "inbox_store.programs",
    "inbox_store.programs.*",
    "gateway.rules",
    "gateway.rules.*",
    "realtime.effects",
    "realtime.fanout",
    "realtime.frames",
    "realtime.items",
    "realtime.ports",  # protocols and named tuples; the sockets lie elsewhere
    "realtime.rules",
    "realtime.session",
    "push.app.apns",
    "push.app.apns.account",
    "push.app.apns.bodies",
    "push.app.apns.provider_token",
    "push.app.apns.results",
    "push.app.calls",
    "push.app.cutting",
    "push.app.endpoints",
    "push.app.fcm",
    "push.app.fcm.account",
    "push.app.fcm.bodies",
    "push.app.fcm.results",
    "push.app.honor",
    "push.app.honor.*",
    "push.app.huawei",
    "push.app.http2",
    "push.app.http2.client",
    "push.app.http2.happenings",
    "push.app.http2.machine",
    "push.app.http2.sieve",
    "push.app.huawei.*",
    "push.app.jose",
    "push.app.marks",
    "push.app.oppo",
    "push.app.oppo.*",
    "push.app.own_service",
    "push.app.own_service.conversation",
    "push.app.own_service.memory",
    "push.app.own_service.ports",
    "push.app.own_service.submission",
    "push.app.own_service.words",
    "push.app.pruning",
    "push.app.quota",
    "push.app.retry",
    "push.app.robots",
    "push.app.robots.*",
    "push.app.sender",
    "push.app.suspects",
    "push.app.tokens",
    "push.app.vivo",
    "push.app.vivo.*",
    "push.app.webpush.answers",
    "push.app.webpush.encryption",
    "push.app.webpush.hosts",
    "push.app.webpush.http1",
    "push.app.webpush.message",
    "push.app.webpush.subscription",
    "push.app.webpush.vapid",
    "push.app.xiaomi",
    "push.app.xiaomi.*",
    "push.mail.compose",
    "push.mail.dsn",
    "push.mail.marks",
    "push.mail.replies",
    "push.mail.sender",
    "gateway.doors.smtp_replies",
    "gateway.doors.smtp_stream",
    "push.sms.backoff",
    "push.sms.breaker",
    "push.sms.bucket",
    "push.sms.carrier",
    "push.sms.checks",
    "push.sms.cmpp",
    "push.sms.cmpp.*",
    "push.sms.compose",
    "push.sms.failures",
    "push.sms.fields",
    "push.sms.happenings",
    "push.sms.joining",
    "push.sms.machine",
    "push.sms.prefixes",
    "push.sms.session",
    "push.sms.shares",
    "push.sms.window",
    "push.sms.gsm",
    "push.sms.sgip",
    "push.sms.sgip.*",
    "push.sms.short_header",
    "push.sms.smgp",
    "push.sms.smgp.*",
    "push.sms.smpp",
    "push.sms.smpp.*",
    "inbox_store.messages",
    "inbox_store.urging",
    "inbox_store.mails",
    "inbox_store.urging",
    "inbox_store.pushes",
    "push.sms.text",
    "push.sms.sample_http.account",
    "push.sms.sample_http.bodies",
    "push.sms.sample_http.results",
    "push.sms.sample_http.signing",
    "sms_billing",
    "sms_billing.*",
)

# fmt: off
IMPURE = {
    "asyncio", "concurrent", "fcntl", "ftplib", "glob", "http", "io", "logging", "mmap",
    "multiprocessing", "os", "pathlib", "pickle", "queue", "random", "sched", "secrets", "select",
    "selectors", "shutil", "signal", "smtplib", "socket", "socketserver", "sqlite3", "ssl",
    "subprocess", "sys", "tempfile", "threading", "time", "urllib.request", "uuid",
}
# fmt: on

PURE_LIBRARIES = {"msgspec", "chinese_calendar", "cryptography", "h2", "hpack", "typing_extensions"}
"""Libraries that only compute. A new one is named here or the module is not pure."""

CALLS = {"open", "input", "print"}
METHODS = {"now", "utcnow", "today", "read_text", "read_bytes", "write_text", "write_bytes"}

ALLOWED = {
    (
        "inbox_store.times",
        "time",
    ): "system_now is the one place that reads the clock; all others are given `now`",
    (
        "inbox_store.programs.*",
        "inbox_store.keys",
    ): "names the vault that is passed in; keys are read elsewhere",
    (
        "gateway.rules.sms_answers",
        "push.sms.ports",
    ): "reads the outcomes that a channel tells; it is sent elsewhere",
    (
        "inbox_store.programs.*",
        "inbox_store.failpoints",
    ): "does nothing unless a test asks for a death there",
    (
        "push.sms.compose",
        "push.sms.sender",
    ): "names the message that is handed in; it is sent elsewhere",
}


def is_pure(module: str) -> bool:
    """Whether the list claims the module."""
    return any(fnmatch(module, pattern) for pattern in PURE)


def impure_import(target: str) -> bool:
    """Whether a pure module may not import `target`."""
    root = target.partition(".")[0]
    if root in ROOMS:
        return not is_pure(target) and not target.startswith("config.")
    if root in sys.stdlib_module_names:
        return root in IMPURE or target in IMPURE
    return root not in PURE_LIBRARIES


def is_allowed(here: str, target: str) -> bool:
    """Whether a stated reason lets `here` import `target` all the same."""
    return any(fnmatch(here, module) and target == named for module, named in ALLOWED)


def impurities(path: Path) -> Iterator[str]:
    """What a file does that a pure module may not, each with its line."""
    here = dotted(path)
    for line, target in dict.fromkeys(imports_of(path)):
        if impure_import(target) and not is_allowed(here, target):
            yield f"{name_of(path)}:{line} imports {target}"
    yield from (f"{name_of(path)}:{line} calls {name}()" for line, name in asking(tree_of(path)))


def asking(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Calls that reach out without any import: built-ins, the clock of datetime, files behind a passed path."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in CALLS:
                yield node.lineno, name
            case ast.Call(func=ast.Attribute(attr=name)) if name in METHODS:
                yield node.lineno, name


def test_pure_modules_touch_nothing() -> None:
    """No module of the list imports or calls what reaches out of the process or asks the clock."""
    assert [wrong for path in modules() if is_pure(dotted(path)) for wrong in impurities(path)] == []


def test_every_exception_is_still_needed() -> None:
    """An exception whose reason is gone is taken off the list."""
    imported = [(dotted(path), target) for path in modules() for _, target in imports_of(path)]
    unused = [
        (module, named)
        for module, named in ALLOWED
        if not any(fnmatch(here, module) and target == named for here, target in imported)
    ]
    assert unused == []


def test_the_rule_tells_pure_from_impure() -> None:
    """Sockets, clocks, unknown libraries and impure rooms are refused; sums, dates and pure rooms pass."""
    refused = [
        "asyncio",
        "os.path",
        "urllib.request",
        "aiohttp",
        "aiosqlite",
        "inbox_store.embedded",
        "random",
    ]
    passed = ["datetime", "hashlib", "urllib.parse", "msgspec", "inbox_store.nouns", "collections.abc"]
    assert [name for name in refused if not impure_import(name)] == []
    assert [name for name in passed if impure_import(name)] == []


def test_the_rule_hears_who_asks() -> None:
    """Asking the clock or opening a file is found without an import; a vault that opens a number is no file."""
    told = ast.parse("datetime.now(UTC); open('x'); vault.open(sealed); date(2026, 1, 4); path.read_text()")
    assert {name for _, name in asking(told)} == {"now", "open", "read_text"}
