"""Settings that are valid but weaker than an office should run with; shown by `songda config check`, never refused."""

from __future__ import annotations

from collections.abc import Iterator

from config.settings import Settings

LOOPBACK = ("127.", "localhost", "::1")
ACCESS_MINUTES_MAX = 30


def advice(settings: Settings) -> Iterator[str]:
    """One Chinese sentence for each setting to think about, with the reason.

    The figures are those used in practice for level three of the multi-level protection scheme (GB/T 22239-2019
    itself names none).
    """
    server, security = settings.server, settings.security
    if not server.host.startswith(LOOPBACK) and not server.tls_cert and not server.trusted_proxies:
        yield "server.host：对外监听而没有 TLS，口令和公文将明文传输；请填写 tls_cert、tls_key，或放在可信反向代理之后"
    if server.public_url.startswith("http://") and not any(local in server.public_url for local in LOOPBACK):
        yield "server.public_url：不是 https，手机上不能安装页面，也收不到推送"
    if security.access_minutes > ACCESS_MINUTES_MAX:
        yield f"security.access_minutes：{security.access_minutes} 分钟偏长，帐户冻结后旧令牌仍会有效这么久"
    if security.password_policy == "asvs":  # noqa: S105 - the name of a rule
        yield "security.password_policy：asvs 不要求字符种类，等保三级测评通常要求"
    if settings.log.level == "debug":
        yield "log.level：debug 记录很多，只宜短时间使用"
