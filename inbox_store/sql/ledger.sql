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
