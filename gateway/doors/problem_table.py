"""The catalogue of refusals: one line each, so that a new one is one line.

Columns: code, HTTP status, title in Chinese, title in English, the mend in Chinese. In the mend ``{name}`` takes the
refusal's parameter (``{reasons}`` the reasons of all its ``errors``); a sentence whose parameter was not given is left
out, so that no answer shows an empty place.
Only parameters named in the mend or in ``ALSO_SHOWN`` ever reach a client: the others are for the log.
"""

# A table reads best with one row a line, however long the row is.
# fmt: off

from __future__ import annotations

from typing import Final

Row = tuple[str, int, str, str, str]

TABLE: Final[tuple[Row, ...]] = (
    # the request itself
    ("bad_request", 400, "请求有误", "Bad request", "请求的格式不符合接口约定：{reason}。请对照接口说明修改后再发。"),
    ("query_invalid", 400, "查询参数有误", "Invalid query parameters", "查询参数不符合约定，位置和原因见 errors。请修改后再查。"),
    ("body_invalid", 400, "请求内容有误", "Invalid request body", "请求内容不符合约定，位置和原因见 errors。请修改后再发。"),
    ("body_too_large", 413, "请求内容过大", "Request body too large", "请求内容不得超过 {size_max_bytes} 字节。长内容请作为附件上传。"),
    ("unsupported_media", 415, "内容类型不受支持", "Unsupported media type", "此接口只接受 {expected}。请改用该类型，不要压缩请求内容。"),
    ("request_timeout", 408, "请求接收超时", "Request timed out", "请求内容没有在规定时间内传完。请检查网络后重新发送。"),
    ("cursor_invalid", 400, "翻页标记无效", "Invalid cursor", "翻页标记已损坏或不属于这个列表。请去掉 cursor，从第一页重新查起。"),
    ("not_found", 404, "没有找到", "Not found", "没有这项内容，或者您无权看到。请核对编号。"),
    ("method_not_allowed", 405, "请求方法不允许", "Method not allowed", "此地址不支持这个请求方法。可用的方法见 Allow 响应头。"),
    ("idempotency_required", 400, "缺少幂等键", "Idempotency-Key required", "写入请求必须带 Idempotency-Key 请求头。每一项操作用一个新的键，重试时用同一个键。"),
    ("idempotency_invalid", 400, "幂等键格式有误", "Invalid Idempotency-Key", "Idempotency-Key 应为 8 至 128 个可见 ASCII 字符，不含空格。请换一个键。"),
    ("idempotency_mismatch", 422, "幂等键已用于另一请求", "Idempotency-Key reused with another request", "同一个 Idempotency-Key 先前发送过不同的内容，本次没有执行。新的操作请换一个新键。"),
    ("refused", 422, "请求未予受理", "Refused", "请求未予受理，系统内容没有变化。请核对后再试。"),
    # who asks
    ("unauthenticated", 401, "尚未登录或登录已失效", "Not authenticated", "请先登录，或检查访问令牌、接口密钥是否正确、是否过期。"),
    ("credentials_mixed", 401, "身份凭据不唯一", "More than one credential", "访问令牌和接口密钥只能带一种，且只能带一个。请去掉多余的。"),
    ("token_invalid", 401, "令牌无效", "Invalid token", "访问令牌无效或已过期。请重新登录，或检查接口密钥。"),
    ("token_revoked", 401, "登录已被注销", "Token revoked", "此令牌已被注销。请重新登录。"),
    ("forbidden", 403, "没有权限", "Forbidden", "您的职责或管理范围不包括这项操作（{action}）。{reason}。如工作需要，请联系本级管理员。"),
    ("login_failed", 401, "登录失败", "Log-in failed", "帐户或密码不正确。请核对后再试，多次失败会被暂时锁定。"),
    ("locked", 423, "帐户已暂时锁定", "Account locked", "连续登录失败次数过多，帐户已暂时锁定。请在 {retry_after_s} 秒后再试，也可以请安全管理员解除。"),
    ("account_frozen", 403, "帐户已冻结", "Account frozen", "此帐户已冻结，不能登录和办理。请联系本级管理员。"),
    ("account_closed", 403, "帐户已注销", "Account closed", "此帐户已注销。请联系本级管理员。"),
    ("account_not_frozen", 409, "帐户没有冻结", "Account not frozen", "此帐户没有冻结，也没有预定冻结，不需要解冻。"),
    ("key_actions", 422, "密钥权限有误", "Rights of a key not allowed", "接口密钥不能有这些权限：{actions}。可选的权限：{allowed}。"),
    ("key_owner", 422, "密钥责任人不在该单位", "Who answers for a key must serve in its unit", "{login} 在该单位没有任职。请指定本单位人员为密钥责任人。"),
    ("key_role", 422, "密钥角色有误", "Role of a key not allowed", "接口密钥不能担任 {role}。请改用办文角色。"),
    ("key_days", 422, "密钥有效期有误", "Life of a key not allowed", "接口密钥的有效期应在 1 至 {days_max} 天之间。"),
    ("throttled", 429, "请求过于频繁", "Too many requests", "请求过于频繁。请在 {retry_after_s} 秒后再试。"),
    ("password_weak", 422, "密码强度不足", "Password too weak", "密码不符合要求：{reason}。请换一个更长、不易猜到的密码。"),
    ("code_invalid", 422, "激活码无效", "Invalid activation code", "激活码不正确、已使用或已过期。请核对，或向本单位收发员重新领取。"),
    # documents and their dispatch
    ("classified_refused", 422, "涉密内容不得上传", "Classified material refused", "{reasons}。本系统不处理涉密文件，内容没有保存。请按保密规定用专门渠道办理。"),
    ("scope_unknown_unit", 422, "发文范围有误", "Fault in the scope", "{reasons}。请修改发文范围后再发。"),
    ("scope_empty", 422, "发文范围为空", "Empty scope", "{reasons}。请至少选择一个能接收的单位。"),
    ("unit_frozen", 422, "单位已冻结或停用", "Unit frozen", "{reasons}。已冻结或停用的单位不能收发文件。请从发文范围中去掉，或联系管理员。"),
    ("approval_own", 403, "不能审批本人提交的发文", "Own dispatch cannot be approved", "大范围发文须由另一人审批。请请另一位有审批权限的人员办理。"),
    ("not_held", 409, "发文不在待审批状态", "Dispatch is not held", "这次发文不在待审批状态，可能已经审批或已经发出。请刷新后查看。"),
    ("series_unregistered", 422, "简报未登记", "Brief series not registered", "{reasons}。简报、专报须先登记刊名，再发文。"),
    ("body_empty", 422, "正文为空", "Empty body", "{reasons}。请把正文放入正文栏后再发。"),
    ("body_only_attached", 422, "正文只在附件中", "Body only attached", "{reasons}。请把正文放入正文栏，不要只放在附件里。"),
    ("element_missing", 422, "缺少公文要素", "Element of the format missing", "{reasons}。请补齐后再发。"),
    ("exempt_kind", 422, "此类文件不在本系统运行", "Kind exempt from the platform", "{reasons}。请按豁免登记规定的渠道办理。"),
    ("urgency_not_for_kind", 422, "紧急程度与文种不符", "Urgency does not fit the kind", "{reasons}。特提、平急只用于电报，请改用特急、加急或不标紧急程度。"),
    ("field_missing", 422, "缺少必填项", "Field missing", "缺少必填项：{field}。请补齐后再提交。"),
    ("field_invalid", 422, "填写有误", "Invalid field", "{field}：{reason}。请修改后再提交。"),
    ("too_many", 422, "一次提交过多", "Too many at once", "一次最多 {limit} 项。请分几次提交。"),
    ("already_signed", 409, "文件已签收", "Already signed for", "本单位已经签收这份文件，签收以第一次为准。已由{signed_by}于 {signed_at} 签收。签收后不能退回。"),
    ("already_returned", 409, "文件已退回", "Already returned", "本单位已经退回这份文件。如需再收，请发文单位重新发送。"),
    ("already_answered", 409, "已报送会议回执", "Meeting already answered", "本单位已经报送会议回执，不能再退回通知。如不能参会，请修改回执。"),
    ("already_recalled", 409, "文件已撤回", "Already recalled", "发文单位已经撤回这份文件，不能再办理。"),
    ("not_clerk", 403, "不是本单位收发员", "Not a clerk of the unit", "签收和退回只能由本单位 A 角或 B 角收发员办理。请联系本单位收发员。"),
    ("not_addressed", 403, "不是收件单位", "Not addressed", "这份文件没有发给您的单位。请核对文件编号。"),
    ("not_signed", 409, "尚未签收", "Not signed for yet", "本单位还没有签收这份文件。请先由收发员签收，再办理。"),
    ("step_not_possible", 409, "当前状态不能这样办理", "Step not possible", "文件目前的状态不能进行这一步。请刷新后查看办理进度。"),
    ("no_signing_duty", 409, "无须签收", "No signing duty", "公告和全员提醒无须签收，阅读即可。"),
    ("handler_unknown", 422, "承办人有误", "Unknown handler", "所选承办人不在本单位，或帐户不能使用。请重新选择。"),
    ("not_handler", 403, "不是承办人", "Not the handler", "这一步只能由承办人办理。请联系承办人，或由收发员重新指定。"),
    # meetings
    ("deadline_passed", 409, "已过截止时间", "Deadline passed", "报名截止时间已过。截止时间为 {due}。截止时间为 {due_at}。{reasons}。请直接联系会议组织单位。"),
    ("seats_exceeded", 422, "超出名额", "Seats exceeded", "{reasons}。请减少人员，或与会议组织单位商量。"),
    ("receipt_invalid", 422, "会议回执填写有误", "Fault in the meeting receipt", "{reasons}。请修改后再报。"),
    # attachments and files
    ("attachment_type", 415, "附件类型不允许", "Attachment type not allowed", "附件内容与扩展名不符，或不在允许的类型之内：{name}。允许的类型：{allowed}。"),
    ("attachment_too_large", 413, "附件过大", "Attachment too large", "单个附件不得超过 {size_max_bytes} 字节。请压缩图片或拆分后再传。"),
    ("attachment_unknown", 422, "附件不存在", "Unknown attachment", "没有找到所引用的附件：{ids}。请重新上传后再引用。"),
    ("attachment_broken", 422, "附件内容不完整", "Attachment incomplete", "附件没有传完，已丢弃。请重新上传。"),
    ("import_faults", 422, "导入文件有错误", "Import file has faults", "导入文件有 {count} 处错误，没有导入任何内容。请按清单逐条修改后重新导入。"),
    ("import_running", 503, "另有导入正在进行", "Another import is running", "另有一个导入正在进行，本次没有受理。请在 {retry_after_s} 秒后重试。"),
    ("export_too_large", 422, "导出内容过多", "Export too large", "导出共 {rows} 行，超过上限 {rows_max} 行。请缩小范围后再导出。"),
    ("period_reversed", 422, "统计期间有误", "Period reversed", "起始日期 {start} 晚于截止日期 {end}。请对调后再查。"),
    ("head_invalid", 422, "链头校验不通过", "Chain head does not verify", "{reason}。请核对链头文件和公钥。"),
    # short messages
    ("sms_text_invalid", 422, "短信内容有误", "Invalid SMS text", "短信第 {position} 个字符无法发送。请删去后再试。"),
    ("sms_too_long", 422, "短信过长", "SMS too long", "短信需要 {segments} 条，超过上限 {segments_max} 条。请缩短内容。"),
    ("sms_signature_invalid", 422, "短信签名有误", "Invalid SMS signature", "短信签名“{name}”应为 {min} 至 {max} 个字符，并在运营商报备。"),
    ("no_tariff", 409, "没有适用的单价", "No tariff", "{at} 没有适用的短信单价，短信没有发出。请财务人员先登记单价。"),
    # charges
    ("no_payer", 409, "没有适用的付费规则", "No payer", "地区 {region} 在 {at} 没有适用的付费规则。请财务人员先补齐付费规则。"),
    ("no_policy", 409, "没有记录承担口径", "No policy recorded", "{year} 年没有记录短信费用的承担口径。请财务人员先登记。"),
    ("no_region", 409, "单位当时没有所属地区", "Unit had no region", "单位 {unit} 在 {at} 没有所属地区，无法确定由谁承担。请先补齐机构变更记录。"),
    ("policy_year_begun", 409, "年度已经开始", "Year has begun", "{year} 年已经开始，承担口径不能再改。请从下一年度起变更。"),
    ("policy_recorded", 409, "承担口径已登记", "Policy already recorded", "{year} 年的承担口径已经登记。一年只能有一种口径。"),
    ("reversal_of_reversal", 409, "红冲不能再红冲", "A reversal cannot be reversed", "这一笔本身是红冲。需要恢复计费的，请对原记录补记。"),
    ("already_reversed", 409, "已经红冲", "Already reversed", "这一笔已经红冲过，没有重复处理。"),
    ("not_reversed", 409, "尚未红冲", "Not reversed yet", "这一笔还没有红冲。请先红冲，再改由他方承担。"),
    ("already_recharged", 409, "已经重新计费", "Already charged again", "这一笔红冲后已经重新计费，没有重复处理。"),
    ("not_a_month", 422, "月份有误", "Not a month", "{month} 不是月份。请写成 201804 这样的六位数字。"),
    ("month_closed", 409, "月份已关账", "Month closed", "{month} 已关账，账目不再变动。迟到的事项请记入 {open}。"),
    ("month_not_over", 409, "月份还没有结束", "Month not over", "{month} 还没有结束，不能关账。请在月末之后办理。"),
    ("before_ledger", 409, "早于台账起始月份", "Before the ledger begins", "台账从 {begin} 开始，{month} 不需要关账。"),
    ("month_before_open", 409, "前面的月份尚未关账", "An earlier month is open", "更早的月份 {month} 还没有关账。请按月份先后关账。"),
    ("ledger_differs", 409, "计费合计与明细不符", "Ledger differs", "{month} 的计费合计与明细不符，不能关账。请先查明原因。"),
    ("channels_unmatched", 409, "与运营商对账未平", "Not reconciled with the carrier", "{month} 这些通道没有对账，或差异超过千分之五：{channels}。请先对账，或确认作为未结事项后再关账。"),
    ("year_not_settled", 422, "年度不在结算范围", "Year not settled", "{year} 年没有需要各县（区）承担的月份。"),
    ("year_closed", 409, "年度已关账", "Year closed", "{year} 年已关账，账目不再变动。"),
    ("year_not_over", 409, "年度还没有结束", "Year not over", "{year} 年还没有结束，不能关账。"),
    ("month_open", 409, "还有月份未关账", "A month is open", "{year} 年这些月份还没有关账：{months}。请先逐月关账。"),
    ("year_open", 409, "年度尚未关账", "Year open", "{year} 年还没有关账，不能结算。请先关账。"),
    ("settlement_step", 409, "结算步骤不符", "Step of the settlement not possible", "{year} 年结算现为“{step}”，这一步须在“{wanted}”时办理。"),
    ("settlement_text_empty", 422, "没有填写内容", "Text missing", "异议和答复须写明内容。请补齐后再提交。"),
    ("no_objection", 404, "没有这条异议", "No such objection", "{year} 年结算没有第 {number} 条异议（从 0 数起）。请核对。"),
    ("objections_over", 409, "异议期已过", "Objection window is over", "{year} 年结算的异议期已过。确有错误的，由市网信办在未关账月份红冲或补记。"),
    ("objections_running", 409, "异议期未满", "Objection window still runs", "{year} 年结算的异议期到 {until_at} 止，期满后才能确认。"),
    ("objections_unanswered", 409, "还有异议没有答复", "Objections not answered", "{year} 年结算还有异议没有答复。请先逐条答复，再确认。"),
    ("objection_answered", 409, "异议已经答复", "Objection already answered", "这条异议已经答复，答复不能更改。"),
    ("statements_changed", 409, "结算单与送达各县的不一致", "Statements have changed", "{year} 年结算单与送达各县（区）的内容不一致，不能定稿。请核对台账。"),
    ("amount_not_whole", 422, "金额不能分到厘以下", "Amount not whole", "金额 {amount_li} 厘不是 {step_li} 厘的整数倍。请核对账单金额。"),
    ("no_weights", 409, "没有分摊依据", "Nothing to share by", "这个期间没有计费条数，账单金额无法分摊。请核对期间。"),
    ("weight_below_zero", 409, "分摊依据小于零", "Share below zero", "这些地区的计费条数小于零：{codes}。请先核对红冲记录。"),
    ("detail_columns", 422, "详单缺少列", "Columns missing in the detail file", "详单中没有找到这些列：{missing}。请核对文件，或修改该运营商的列名设置。"),
    ("detail_undated", 422, "详单没有时间", "No times in the detail file", "详单前面的各行都没有可识别的接收时间，无法确定月份。请用 --month 指明月份。"),
    ("no_payer_named", 404, "没有这个承担单位", "No such payer", "没有名为“{name}”的承担单位，或名称不唯一。可用：{known}。"),
    ("no_city", 409, "没有录入市级地区", "No city", "组织机构中没有市级地区，无法确定由谁承担费用。请先导入组织机构。"),
    # the server
    ("busy", 503, "系统繁忙", "Busy", "系统繁忙，请求没有受理。请稍后用同一个 Idempotency-Key 重试。"),
    ("draining", 503, "系统正在停止服务", "Shutting down", "系统正在停止服务，请求没有受理。请稍后重试。"),
    ("timed_out", 504, "处理超时", "Timed out", "没有在规定时间内得到处理结果，操作可能已经完成。请用同一个 Idempotency-Key 重试，不会重复办理。"),
    ("fenced", 409, "已由另一处接手", "Taken over elsewhere", "这项工作已由另一处接手，本次没有改动。请稍后查看结果。"),
    ("storage_full", 507, "存储空间不足", "Storage full", "存储空间不足，内容没有保存。请联系系统管理员清理空间后再试。"),
    ("store_broken", 503, "存储故障", "Store broken", "存储出现故障，系统已停止受理写入。请联系系统管理员。"),
    ("internal", 500, "系统内部错误", "Internal error", "系统内部出现错误，已记录。请把 request_id 告诉系统管理员。"),
)

ALSO_SHOWN: Final[dict[str, frozenset[str]]] = {
    "import_faults": frozenset({"faults"}),
}
"""Parameters that programs get under ``params`` although no sentence mentions them."""
