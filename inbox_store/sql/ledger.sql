-- name: ledger_rows
select commit_no, no, kind, of_commit, of_no, alert_id, alert_kind, purpose, round, document_id, unit_id, region_id, person_id, to_unit_id,
    to_region_id, phone, channel, message_id, segment_no, acceptance_no, segments, price_li, amount_li, payer_id, accepted_at, month,
    policy, digest
from charge_line where commit_no >= :low and commit_no <= :high order by commit_no, no;

-- name: charge_sums
select month, payer_id, unit_id, region_id, to_region_id, alert_kind, purpose, kind, price_li, messages, segments, amount_li
from charge_sum where month >= :from_month and month <= :to_month order by month, payer_id, unit_id, alert_kind;

-- name: charge_sums_differ
select month, payer_id, unit_id, alert_kind, kind, price_li, sum(segments), sum(amount_li), sum(messages) from (
    select month, payer_id, unit_id, region_id, to_region_id, alert_kind, purpose, kind, price_li, segments, amount_li, messages
    from charge_sum
    union all
    select month, payer_id, unit_id, region_id, to_region_id, alert_kind, purpose, kind, price_li, -segments, -amount_li,
        case when segment_no = 1 then -segments else 0 end
    from charge_line)
group by month, payer_id, unit_id, region_id, to_region_id, alert_kind, purpose, kind, price_li
having sum(segments) <> 0 or sum(amount_li) <> 0 or sum(messages) <> 0;

-- The same of one month: closing does not read the years before it again.
-- name: charge_sums_differ_in
select payer_id, unit_id, alert_kind, kind, price_li, sum(segments), sum(amount_li), sum(messages) from (
    select payer_id, unit_id, region_id, to_region_id, alert_kind, purpose, kind, price_li, segments, amount_li, messages
    from charge_sum where month = :month
    union all
    select payer_id, unit_id, region_id, to_region_id, alert_kind, purpose, kind, price_li, -sum(segments), -sum(amount_li),
        -sum(case when segment_no = 1 then segments else 0 end)
    from charge_line where month = :month
    group by payer_id, unit_id, region_id, to_region_id, alert_kind, purpose, kind, price_li)
group by payer_id, unit_id, region_id, to_region_id, alert_kind, purpose, kind, price_li
having sum(segments) <> 0 or sum(amount_li) <> 0 or sum(messages) <> 0;

-- name: charge_months
select month, lines, segments, amount_li, digest from charge_month order by month;

-- name: charge_months_used
select distinct month from charge_sum order by month;

-- name: charge_month_close
insert into charge_month (month, closed_by, closed_at, lines, segments, amount_li, digest)
values (:month, :actor, :now, :lines, :segments, :amount_li, :digest);

-- name: charge_month_lines
select commit_no, no, digest, segments, amount_li from charge_line
where month = :month and (commit_no, no) > (:commit_no, :no) order by commit_no, no limit :limit;

-- name: charge_totals
select count(*), coalesce(sum(segments), 0), coalesce(sum(amount_li), 0) from charge_line;

-- name: charge_months_closed
select month, closed_at from charge_month order by month;

-- Each line with what its attempt was reported to be; a reversal takes its outcome back, too.
-- name: charge_outcomes
select l.payer_id, l.unit_id, l.alert_kind, l.purpose,
    sum(case when a.report = 'delivered' then l.segments else 0 end), sum(case when a.report = 'failed' then l.segments else 0 end),
    sum(case when a.report in ('delivered', 'failed') then 0 else l.segments end),
    sum(case when a.report in ('delivered', 'failed') then 0 else l.amount_li end)
from charge_line l
left join sms_order o on o.alert_id = l.alert_id and o.person_id = l.person_id
left join sms_attempt a on a.order_id = o.id and a.segment_no = l.segment_no and a.acceptance_no = l.acceptance_no
    and a.state = 'accepted'
where l.month = :month
group by l.payer_id, l.unit_id, l.alert_kind, l.purpose;

-- name: sms_in_doubt
select t.kind, coalesce(d.is_test, 0), a.acceptance_no, t.unit_id, coalesce(tc.county_id, 0), o.unit_id, coalesce(oc.county_id, 0),
    min(a.sent_at), count(*), count(*)
from sms_attempt a
cross join sms_order o on o.id = a.order_id
cross join alert t on t.id = o.alert_id
left join document d on d.id = t.document_id
left join unit_county oc on oc.unit_id = o.unit_id
left join unit_county tc on tc.unit_id = t.unit_id
where a.state in ('sending', 'in_doubt') and a.state = 'in_doubt' and a.sent_at >= :from_at and a.sent_at < :to_at
group by t.kind, coalesce(d.is_test, 0), a.acceptance_no, t.unit_id, tc.county_id, o.unit_id, oc.county_id;

-- name: sms_suppressed
select t.kind, coalesce(d.is_test, 0), 1, t.unit_id, coalesce(tc.county_id, 0), o.unit_id, coalesce(oc.county_id, 0),
    min(o.settled_at), count(*), sum(o.segments)
from sms_order o
cross join alert t on t.id = o.alert_id
left join document d on d.id = t.document_id
left join unit_county oc on oc.unit_id = o.unit_id
left join unit_county tc on tc.unit_id = t.unit_id
where o.state = 'suppressed' and o.reason = 'switched_off' and o.settled_at >= :from_at and o.settled_at < :to_at
group by t.kind, coalesce(d.is_test, 0), t.unit_id, tc.county_id, o.unit_id, oc.county_id;

-- name: charge_outcome_keep
insert into charge_outcome (month, payer_id, unit_id, alert_kind, purpose, delivered, failed, unreported, unreported_li, in_doubt,
    in_doubt_li, suppressed, suppressed_segments)
values (:month, :payer_id, :unit_id, :alert_kind, :purpose, :delivered, :failed, :unreported, :unreported_li, :in_doubt,
    :in_doubt_li, :suppressed, :suppressed_segments);

-- name: charge_outcomes_kept
select month, payer_id, unit_id, alert_kind, purpose, delivered, failed, unreported, unreported_li, in_doubt, in_doubt_li, suppressed,
    suppressed_segments
from charge_outcome where month = :month order by payer_id, unit_id, alert_kind, purpose;

-- name: charge_labels_keep
insert into charge_label (month, what, id, code, name)
select :month, 'region', id, code, name from region where level in ('city', 'county')
union all
select :month, 'unit', u.id, u.code, u.name from unit u
where u.id in (select unit_id from charge_sum where month = :month union select unit_id from charge_outcome where month = :month);

-- name: charge_labels
select what, id, code, name from charge_label where month = :month order by what, id;

-- name: sms_attempts_last
select coalesce(max(id), 0) from sms_attempt;

-- Our segments with a message id, between two attempts; the channel "" is all of them.
-- name: sms_sent_window
select a.id, a.message_id, case a.state when 'accepted' then a.answered_at else a.sent_at end,
    case when a.state = 'in_doubt' then 'in_doubt' when a.report in ('delivered', 'failed') then a.report else 'unreported' end
from sms_attempt a
where a.id > :after and a.id <= :upto and a.state in ('accepted', 'in_doubt') and a.message_id is not null
  and (:channel = '' or a.channel = :channel)
  and ((a.sent_at >= :from_at and a.sent_at < :to_at) or (a.answered_at >= :from_at and a.answered_at < :to_at))
order by a.id;

-- name: sms_doubts
select a.id, a.order_id, a.segment_no, coalesce(a.phone_lookup, x''), a.source, a.sent_at
from sms_attempt a
where a.state in ('sending', 'in_doubt') and a.state = 'in_doubt' and a.message_id is null
  and (:channel = '' or a.channel = :channel) and a.sent_at >= :from_at and a.sent_at < :to_at
order by a.id;

-- Which of these attempts are still in doubt, with all that share the id they left under, and their channel.
-- name: sms_doubts_open
select distinct j.key, b.id, b.channel
from json_each(:attempts) j
cross join sms_attempt a on a.id = j.value
cross join sms_attempt b on b.id = a.id or (a.message_id is not null and b.channel = a.channel and b.message_id = a.message_id)
where b.state = 'in_doubt'
order by j.key, b.id;

-- Lines that a payer bears of a unit's use in a month, and that nobody has taken back.
-- name: charge_wrong_sum
select count(*), coalesce(sum(l.segments), 0), coalesce(sum(l.amount_li), 0) from charge_line l
where l.month = :month and l.unit_id = :unit_id and l.payer_id = :payer_id and l.segments > 0
  and not exists (select 1 from charge_line r where r.of_commit = l.commit_no and r.of_no = l.no and r.segments = -1);

-- name: charge_wrong
select l.commit_no, l.no, l.kind, l.of_commit, l.of_no, l.alert_id, l.alert_kind, l.purpose, l.round, l.document_id, l.unit_id, l.region_id,
    l.person_id, l.to_unit_id, l.to_region_id, l.phone, l.channel, l.message_id, l.segment_no, l.acceptance_no, l.segments, l.price_li,
    l.amount_li, l.payer_id, l.accepted_at, l.month, l.policy
from charge_line l
where l.month = :month and l.unit_id = :unit_id and l.payer_id = :payer_id and l.segments > 0
  and not exists (select 1 from charge_line r where r.of_commit = l.commit_no and r.of_no = l.no and r.segments = -1)
order by l.commit_no, l.no limit :limit;
