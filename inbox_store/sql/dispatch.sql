-- name: document_add
insert into document (kind, title, doc_no, urgency, duty, sensitivity, sender_unit_id, body, elements, series_id, is_test, digest,
    created_by, created_at)
values (:kind, :title, :doc_no, :urgency, :duty, :sensitivity, :sender_unit_id, :body, :elements, :series_id, :is_test, :digest,
    :created_by, :created_at)
returning id;

-- name: document_gram_add
insert into document_gram (gram, document_id) values (:gram, :document_id) on conflict do nothing;

-- name: document_head
select id, kind, title, doc_no, urgency, duty, sensitivity, sender_unit_id, is_test, digest, created_by, created_at, recalled_at,
    recall_reason, series_id
from document where id = :document_id;

-- name: document_text
select body, elements from document where id = :document_id;

-- name: document_recall
update document set recalled_at = :now, recalled_by = :actor, recall_reason = :reason
where id = :document_id and recalled_at is null;

-- name: attachment_add
insert into attachment (id, name, media_type, size_bytes, sha256, uploaded_by, uploaded_at)
values (:id, :name, :media_type, :size_bytes, :sha256, :uploaded_by, :uploaded_at);

-- name: attachment_take
update attachment set document_id = :document_id, no = :no
where id = :id and uploaded_by = :uploaded_by and document_id is null
returning name, media_type, size_bytes, sha256;

-- name: attachments_of
select id, name, media_type, size_bytes, sha256 from attachment where document_id = :document_id order by no;

-- name: attachments_offered
select id, name, media_type, size_bytes, sha256 from attachment
where id in (select value from json_each(:ids)) and uploaded_by = :uploaded_by and document_id is null;

-- name: attachment_one
select id, name, media_type, size_bytes, sha256, document_id, uploaded_by from attachment where id = :id;

-- name: meeting_add
insert into meeting (document_id, place, starts_at, ends_at, reply_due_at, seats, fields, personal)
values (:document_id, :place, :starts_at, :ends_at, :reply_due_at, :seats, :fields, :personal);

-- name: dispatch_add
insert into dispatch (document_id, supplement_of, state, scope, reach, leader_mask, handle_due_at, general, sms_reminder, units, persons,
    segments, amount_li, submitted_by, submitted_at)
values (:document_id, :supplement_of, :state, :scope, :reach, :leader_mask, :handle_due_at, :general, :sms_reminder, :units, :persons,
    :segments, :amount_li, :submitted_by, :submitted_at)
returning id;

-- name: audience_add
insert into audience (dispatch_id, unit_id, role, folder) values (:dispatch_id, :unit_id, :role, :folder);

-- name: dispatch_row
select id, document_id, supplement_of, send_no, state, reach, leader_mask, handle_due_at, general, sms_reminder, units, persons, segments,
    amount_li, submitted_by, submitted_at, decided_by, decided_at, decision_note, sent_at, cursor_unit, scope
from dispatch where id = :dispatch_id;

-- name: dispatch_of_document
select id from dispatch where document_id = :document_id order by id;

-- name: dispatch_decide
update dispatch set state = :state, decided_by = :actor, decided_at = :now, decision_note = :note where id = :dispatch_id;

-- name: dispatch_release
update dispatch set state = 'sending', send_no = (select coalesce(max(send_no), 0) + 1 from dispatch)
where id = :dispatch_id returning send_no;

-- name: dispatch_others
select count(*) from dispatch where document_id = :document_id and id <> :dispatch_id and send_no is not null;

-- name: hot_send_add
insert into hot_send (send_no) values (:send_no) on conflict (send_no) do nothing;

-- name: dispatch_open
-- The wider condition is that of the index dispatch_open, which SQLite would not take for the narrower one.
select p.id, d.urgency from dispatch p join document d on d.id = p.document_id
where p.state in ('held', 'sending') and p.state = 'sending' order by p.id;

-- name: dispatch_cursor
update dispatch set cursor_unit = :unit_id where id = :dispatch_id;

-- name: dispatch_complete
update dispatch set state = 'sent', sent_at = :now where id = :dispatch_id;

-- name: audience_chunk
select unit_id from audience where dispatch_id = :dispatch_id and unit_id > :after order by unit_id limit :limit;

-- name: distribution_reopened
select v.unit_id, v.sent_at, v.returned_at from audience a
join distribution v on v.document_id = :document_id and v.unit_id = a.unit_id
where a.dispatch_id = :dispatch_id and a.unit_id > :after and a.unit_id <= :to and v.state = 'returned' and v.counted = 1;

-- name: distribution_send
insert into distribution (document_id, unit_id, dispatch_id, role, counted, state, sent_at, sign_due_at, due_provisional, handle_due_at,
    delivered_at)
select :document_id, a.unit_id, a.dispatch_id, a.role, :counted, 'unsigned', :now, :sign_due_at, :due_provisional, :handle_due_at, :now
from audience a
where a.dispatch_id = :dispatch_id and a.unit_id > :after and a.unit_id <= :to
on conflict (document_id, unit_id) do update set dispatch_id = excluded.dispatch_id, state = 'unsigned', sent_at = excluded.sent_at,
    sign_due_at = excluded.sign_due_at, due_provisional = excluded.due_provisional, handle_due_at = excluded.handle_due_at,
    delivered_at = excluded.delivered_at, opened_at = null, returned_at = null, returned_by = null, return_reason = null,
    round = distribution.round + 1
where distribution.state = 'returned';

-- name: tally_send
insert into tally (day, unit_id, kind, outcome, outcome_day, n)
select :day, v.unit_id, :kind, :outcome, :day, 1 from distribution v
where v.document_id = :document_id and v.dispatch_id = :dispatch_id and v.unit_id > :after and v.unit_id <= :to
  and v.counted = 1 and (:role = '' or v.role = :role)
on conflict (day, unit_id, kind, outcome, outcome_day) do update set n = tally.n + 1;

-- name: tally_quarter_send
insert into tally_quarter (quarter, unit_id, outcome, n)
select :quarter, v.unit_id, :outcome, 1 from distribution v
where v.document_id = :document_id and v.dispatch_id = :dispatch_id and v.unit_id > :after and v.unit_id <= :to
  and v.counted = 1 and (:role = '' or v.role = :role)
on conflict (quarter, unit_id, outcome) do update set n = tally_quarter.n + 1;

-- name: tally_move
insert into tally (day, unit_id, kind, outcome, outcome_day, n) values (:day, :unit_id, :kind, :outcome, :outcome_day, :n)
on conflict (day, unit_id, kind, outcome, outcome_day) do update set n = tally.n + excluded.n;

-- name: tally_quarter_move
insert into tally_quarter (quarter, unit_id, outcome, n) values (:quarter, :unit_id, :outcome, :n)
on conflict (quarter, unit_id, outcome) do update set n = tally_quarter.n + excluded.n;

-- name: entry_fan_out
insert into inbox_hot (send_no, person_id, commit_no, folder, state)
select :send_no, x.person_id, :commit_no, a.folder, case when x.is_clerk = 1 and :duty = 1 then 'to_do' else 'to_read' end
from audience a join addressee x on x.unit_id = a.unit_id
where a.dispatch_id = :dispatch_id and a.unit_id > :after and a.unit_id <= :to
  and (:everyone = 1 or x.is_clerk = 1 or (x.leader_mask & :leader_mask) <> 0)
on conflict (send_no, person_id) do update set state = excluded.state, folder = excluded.folder, commit_no = excluded.commit_no,
    done_at = null
where excluded.state = 'to_do' and inbox_hot.state <> 'to_do';

-- name: entry_fan_out_again
insert into inbox_hot (send_no, person_id, commit_no, folder, state)
select :send_no, x.person_id, :commit_no, a.folder, case when x.is_clerk = 1 and :duty = 1 then 'to_do' else 'to_read' end
from audience a join addressee x on x.unit_id = a.unit_id
where a.dispatch_id = :dispatch_id and a.unit_id > :after and a.unit_id <= :to
  and (:everyone = 1 or x.is_clerk = 1 or (x.leader_mask & :leader_mask) <> 0)
  and not exists (select 1 from dispatch p cross join inbox_hot h
                  where p.document_id = :document_id and p.send_no <> :send_no and h.send_no = p.send_no and h.person_id = x.person_id)
  and not exists (select 1 from dispatch p cross join inbox c
                  where p.document_id = :document_id and p.send_no <> :send_no and c.person_id = x.person_id and c.send_no = p.send_no)
on conflict (send_no, person_id) do update set state = excluded.state, folder = excluded.folder, commit_no = excluded.commit_no,
    done_at = null
where excluded.state = 'to_do' and inbox_hot.state <> 'to_do';

-- name: entry_clerks_again
select distinct x.person_id from audience a
join distribution v on v.document_id = :document_id and v.unit_id = a.unit_id and v.dispatch_id = a.dispatch_id and v.state = 'unsigned'
join addressee x on x.unit_id = a.unit_id and x.is_clerk = 1
where a.dispatch_id = :dispatch_id and a.unit_id > :after and a.unit_id <= :to;

-- name: entry_hot_add
insert into inbox_hot (send_no, person_id, commit_no, folder, state, done_at)
values (:send_no, :person_id, :commit_no, :folder, :state, :done_at) on conflict (send_no, person_id) do nothing;

-- name: recall_units
select unit_id, counted, sent_at from distribution where document_id = :document_id and state = 'unsigned';

-- name: distribution_recall
update distribution set recalled_at = :now, state = case when state = 'unsigned' then 'recalled' else state end
where document_id = :document_id and state <> 'returned';

-- name: recall_chunk
select v.unit_id from distribution v where v.document_id = :document_id and v.unit_id > :after order by v.unit_id limit :limit;

-- name: recall_people
select distinct x.person_id from distribution v join appointment x on x.unit_id = v.unit_id
where v.document_id = :document_id and v.unit_id > :after and v.unit_id <= :to
  and not exists (
    select 1 from distribution w join appointment y on y.unit_id = w.unit_id and y.person_id = x.person_id
    where w.document_id = :document_id and w.state not in ('recalled', 'returned'));

-- name: recall_clerks
select distinct x.person_id from distribution v join addressee x on x.unit_id = v.unit_id and x.is_clerk = 1
where v.document_id = :document_id and v.unit_id > :after and v.unit_id <= :to and v.state = 'recalled';

-- name: track_rows
select v.unit_id, v.role, v.state, v.sent_at, v.sign_due_at, v.delivered_at, v.opened_at, v.signed_at,
    s.name || coalesce('（代' || (select f.name from person f where f.id = v.signed_for) || '）', ''), v.signed_unread,
    v.signed_bulk, h.name, v.handling_started_at, v.handle_due_at, v.handled_at, v.archived_at, v.returned_at, v.return_reason,
    v.recalled_at, v.round
from distribution v left join person s on s.id = v.signed_by left join person h on h.id = v.handler_id
where v.document_id = :document_id and v.unit_id > :after order by v.unit_id limit :limit;

-- name: track_sums
select v.state, count(*), sum(case when v.opened_at is not null then 1 else 0 end), sum(v.signed_unread)
from distribution v where v.document_id = :document_id group by v.state;

-- Keys are [owner, key]; the first column is the place among them.
-- name: idempotency_seen
select o.key, i.route, i.body_hash, i.status, i.answer
from json_each(:keys) o cross join idempotency i where i.owner = o.value ->> 0 and i.key = o.value ->> 1;

-- name: idempotency_keep
insert into idempotency (owner, key, route, body_hash, status, answer, at) values (:owner, :key, :route, :body_hash, :status, :answer, :at);

-- name: idempotency_prune
delete from idempotency where at < :before;
