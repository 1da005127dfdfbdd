"""The annotated script that ``songda push-sim --sample`` prints: every setting with what it is where nothing is said."""

from __future__ import annotations

from typing import Final

SAMPLE: Final = """\
# 推送厂商模拟器的剧本（TOML）。各项都可省略；下列为默认值或示例。
# 比例都是 0 到 1。同一个 seed、同样的请求顺序，得到同样的经过。
seed = 1
gone = 0.0                  # 已失效的设备比例；同一个 token 每次都失效
delivered = 1.0             # 已接受的推送中，回执报告“已到达”的比例（要求了回执时）

[answers]                   # 对请求的处理；其余接受
refuse = 0.0                # 拒绝：账号、权限一类的错误码
quota = 0.0                 # 当日数量已满
throttle = 0.0              # 调用过快（厂商自己的错误码）
error = 0.0                 # HTTP 500
busy = 0.0                  # HTTP 503，带 Retry-After
slow = 0.0                  # 已接受，应答很慢
silent = 0.0                # 已接受，但从不应答
cut = 0.0                   # 断开连接，未接受
cut_taken = 0.0             # 已接受，随即断开连接
garbage = 0.0               # 已接受，应答不可解析
expire = 0.0                # 令牌过期，须重新取得

[delays]                    # 毫秒，[最短, 最长]
slow = [2000, 5000]         # 慢应答
receipt = [50, 1000]        # 接受到回执

# 指定情形，优先于以上比例。先看 at（该厂商第几个请求，从 1 数），再按先后看 token（设备标识开头）。
[[cases]]
vendor = "huawei"           # 省略为所有厂商：huawei xiaomi oppo vivo honor wecom dingtalk feishu
at = [3]
answer = "refuse"           # accept refuse quota throttle error busy slow silent cut cut_taken garbage expire
code = "80300002"           # 省略为该厂商的常用码

[[cases]]
token = "dead"              # 这样开头的设备已失效
gone = true
"""
