"""The annotated script that ``songda carrier-sim --sample`` prints: every setting with what it is where nothing is said."""

from __future__ import annotations

from typing import Final

SAMPLE: Final = """\
# 运营商模拟器的剧本（TOML）。各项都可省略；下列为默认值或示例。
# 比例都是 0 到 1。同一个 seed、同样的提交顺序，得到同样的经过。
seed = 1
rate_per_s = 0              # 每个账号每秒允许的提交数，超出的回“流量超限”；0 为不限
refusals = []               # 拒绝时用的错误码（协议自己的数值）；空为该协议的常用码
failures = ["UNDELIV/029", "EXPIRED/022", "MA:0001/012"]   # 失败状态报告：状态词/错误码

[answers]                   # 对提交的处理；其余接受
refuse = 0.0                # 拒绝
throttle = 0.0              # 流量超限
silent = 0.0                # 已接受（计费），但应答不发
ignore = 0.0                # 不接受，也不应答
drop = 0.0                  # 断开连接，未接受
drop_accepted = 0.0         # 已接受（计费），随即断开连接

[reports]                   # 已接受短信的状态报告；各项独立抽取
failed = 0.0                # 失败
lost = 0.0                  # 报告丢失（详单里仍有结果）
early = 0.0                 # 报告先于应答
interim = 0.0               # 先来一个中间状态（ACCEPTD）
late = 0.0                  # 迟到
reordered = 0.0             # 乱序：被后面的报告超过
duplicate = 0.0             # 重复
contradicting = 0.0         # 前后矛盾：另有一个结果相反的报告

[delays]                    # 毫秒，[最短, 最长]
report = [50, 400]          # 接受到报告
late = [5000, 30000]        # 迟到再加
reordered = [500, 1000]     # 乱序再加
again = [50, 500]           # 重复、矛盾的报告相隔
reply = [1000, 5000]        # 报告到上行回复

[replies]                   # 手机上行回复
share = 0.0                 # 送达的短信中有多少会回复
texts = ["1", "2 张伟", "3 出差", "R", "T"]

# 指定情形，优先于以上比例；没有写明的按正常处理（接受、送达、一个报告、不回复）。
# 先看 at（本端口第几次提交，从 1 数），再按先后看 prefix（号码开头）。
[[cases]]
prefix = "1390000"
answer = "refuse"           # accept refuse throttle silent ignore drop drop_accepted
code = 13                   # 0 为该协议的常用码

[[cases]]
prefix = "1380001"
failed = "UNDELIV/029"      # 报告失败；空为送达

[[cases]]
prefix = "1380002"
twists = ["duplicate"]      # lost early interim late reordered duplicate contradicting
reply = "1"

[[cases]]
at = [100, 200]
answer = "drop_accepted"
"""
