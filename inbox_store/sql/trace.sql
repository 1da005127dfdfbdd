-- name: trace_links
select commit_no, at, audit_root, audit_rows, receipt_root, receipts, receipt_key, signature, link,
    charge_root, charges from commit_log
where commit_no > :after order by commit_no limit :limit;

-- name: trace_rows
select commit_no, no, at, actor, action, subject, origin, detail, digest from audit
where commit_no >= :low and commit_no <= :high order by commit_no, no;

-- name: trace_receipts
select commit_no, no, leaf, document_id, unit_id from sign_receipt where commit_no >= :low and commit_no <= :high order by commit_no, no;

-- name: trace_keys
select key_id, public_key, from_at from receipt_key order by from_at;

-- name: trace_receipt
select commit_no, no from sign_receipt where document_id = :document_id and unit_id = :unit_id;

-- name: trace_link
select commit_no, at, audit_root, audit_rows, receipt_root, receipts, receipt_key, signature, link from commit_log where commit_no = :commit_no;

-- name: trace_head
select commit_no, at, link from commit_log order by commit_no desc limit 1;

-- name: trace_signed_copies
select v.document_id, v.unit_id from distribution v where v.signed_at is not null
except select document_id, unit_id from sign_receipt;

-- name: audit_page
select commit_no, no, at, actor, action, subject, origin, detail from audit
where (commit_no < :before_commit or (commit_no = :before_commit and no < :before_no))
  and (:subject = '' or subject = :subject) and (:actor = 0 or actor = :actor) and (:action = '' or action = :action)
  and at >= :from_at and at < :to_at
order by commit_no desc, no desc limit :limit;
