-- name: ledger_rows
select commit_no, no, kind, of_commit, of_no, alert_id, alert_kind, purpose, round, document_id, unit_id, region_id, person_id, to_unit_id,
    to_region_id, phone, channel, message_id, segment_no, acceptance_no, segments, price_li, amount_li, payer_id, accepted_at, month,
    policy, digest
from charge_line where commit_no >= :low and commit_no <= :high order by commit_no, no;

-- name: charge_sums
select payer_id, unit_id, region_id, to_region_id, alert_kind, purpose, kind, price_li, messages, segments, amount_li
from charge_sum where month = :month order by payer_id, unit_id;
