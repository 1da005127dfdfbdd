-- Addresses ----------------------------------------------------------------------------------------------------------

-- name: mail_address
select person_id, address_sealed, address_key, verified_at, ordinary, failures, bad_at, status from person_mail where person_id = :person_id;

-- name: mail_address_asked
select address_sealed, address_key, code_hash, asked_at, expires_at, tries from person_mail_asked where person_id = :person_id;

-- name: mail_address_ask
insert into person_mail_asked (person_id, address_sealed, address_key, code_hash, asked_at, expires_at)
values (:person_id, :address_sealed, :address_key, :code_hash, :now, :expires_at)
on conflict (person_id) do update set address_sealed = excluded.address_sealed, address_key = excluded.address_key,
    code_hash = excluded.code_hash, asked_at = excluded.asked_at, expires_at = excluded.expires_at, tries = 0;

-- name: mail_address_tried
update person_mail_asked set tries = tries + 1 where person_id = :person_id;

-- name: mail_address_settle
delete from person_mail_asked where person_id = :person_id;

-- name: mail_address_keep
insert into person_mail (person_id, address_sealed, address_key, verified_at)
values (:person_id, :address_sealed, :address_key, :now)
on conflict (person_id) do update set address_sealed = excluded.address_sealed, address_key = excluded.address_key,
    verified_at = excluded.verified_at, failures = 0, bad_at = null, status = '';

-- name: mail_address_drop
delete from person_mail where person_id = :person_id;

-- name: mail_address_ordinary
update person_mail set ordinary = :ordinary where person_id = :person_id and ordinary <> :ordinary;

-- name: mail_address_reached
update person_mail set failures = 0 where person_id = :person_id and failures > 0 and bad_at is null;

-- name: mail_address_failed
update person_mail set failures = failures + 1, status = :status,
    bad_at = case when bad_at is null and failures + 1 >= :bad_from then :now else bad_at end
where person_id = :person_id;

-- Orders -------------------------------------------------------------------------------------------------------------

-- name: mail_order_add
insert into mail_order (alert_id, person_id, unit_id, digest, priority, state, due_at, expires_at)
select t.id, :person_id, :unit_id, :digest, t.priority, 'waiting', :due_at, t.expires_at
from alert t where t.id = :alert_id
on conflict (alert_id, person_id) do nothing;

-- Of a chunk of a dispatch's audience: whoever is addressed and has an address, once.
-- name: mail_order_chunk
insert into mail_order (alert_id, person_id, unit_id, digest, priority, state, due_at, expires_at)
select t.id, x.person_id, min(a.unit_id), :digest, t.priority, 'waiting', :due_at, t.expires_at
from alert t
cross join dispatch p on p.id = t.dispatch_id
cross join audience a on a.dispatch_id = p.id and a.unit_id > :after and a.unit_id <= :to
cross join addressee x on x.unit_id = a.unit_id
cross join person_mail q on q.person_id = x.person_id and q.bad_at is null
where t.id = :alert_id and (p.reach = 'everyone' or x.is_clerk = 1 or (x.leader_mask & p.leader_mask) <> 0)
group by x.person_id
on conflict (alert_id, person_id) do nothing;

-- name: mail_waiting
select exists (select 1 from mail_order where state = 'waiting' and priority in (0, 1, 2, 3) and due_at <= :now);

-- name: mail_due
select o.id, o.alert_id, t.kind, t.round, t.document_id, o.unit_id, t.urgency, t.text, coalesce(d.kind, ''), coalesce(d.title, ''),
    coalesce(d.sensitivity, ''), coalesce(d.is_test, 0), d.recalled_at is not null, t.created_at, o.person_id, q.address_sealed,
    q.address_key, q.bad_at is not null, coalesce(q.ordinary, 1), o.digest, o.priority, o.due_at, o.expires_at, o.tries, o.mail_id
from mail_order o
cross join alert t on t.id = o.alert_id
left join document d on d.id = t.document_id
left join person_mail q on q.person_id = o.person_id
where o.state = 'waiting' and o.priority = :priority and o.due_at <= :now
order by o.due_at, o.id limit :limit;

-- What else waits for the digest of this person, due or not.
-- name: mail_digest
select o.id, o.alert_id, t.kind, t.round, t.document_id, o.unit_id, t.urgency, t.text, coalesce(d.kind, ''), coalesce(d.title, ''),
    coalesce(d.sensitivity, ''), coalesce(d.is_test, 0), d.recalled_at is not null, t.created_at, o.person_id, q.address_sealed,
    q.address_key, q.bad_at is not null, coalesce(q.ordinary, 1), o.digest, o.priority, o.due_at, o.expires_at, o.tries, o.mail_id
from mail_order o
cross join alert t on t.id = o.alert_id
left join document d on d.id = t.document_id
left join person_mail q on q.person_id = o.person_id
where o.state = 'waiting' and o.digest = 1 and o.person_id = :person_id and o.id <> :id
order by o.id limit :limit;

-- name: mail_attempt_next
select coalesce(max(id), 0) + 1 from mail_attempt;

-- name: mail_attempt_mark
select mark from mail_attempt where id = :id;

-- How many orders left with an attempt: the same ones again are the same mail.
-- name: mail_attempt_orders
select count(*) from mail_order where mail_id = :id;

-- name: mail_attempt_add
insert into mail_attempt (id, mark, person_id, state, sent_at) values (:id, :mark, :person_id, 'sending', :now);

-- name: mail_order_sending
update mail_order set state = 'sending', tries = tries + 1, reason = null, mail_id = :mail_id where id = :id;

-- name: mail_order_wait
update mail_order set due_at = :due_at, reason = :reason where id = :id;

-- name: mail_order_stop
update mail_order set state = :state, reason = :reason, settled_at = :now where id = :id;

-- name: mail_lost
update mail_attempt set state = 'in_doubt', answered_at = :now where state = 'sending' returning id;

-- name: mail_answer
update mail_attempt set state = :outcome, code = :code, answered_at = :at where id = :attempt_id and state in ('sending', 'in_doubt');

-- What left with an attempt moves on with it, never back from what is final.
-- name: mail_orders_step
update mail_order set state = :state, reason = :reason, due_at = case when :state = 'waiting' then :again_at else due_at end,
    settled_at = case when :state in ('waiting', 'in_doubt') then null else :now end
where mail_id = :attempt_id and state in ('sending', 'in_doubt');

-- At a start: once more under the same mark where that is wanted, else shown as it is.
-- name: mail_orders_lost
update mail_order set
    state = case when :again_at > 0 and tries < :tries_max then 'waiting' else 'in_doubt' end,
    due_at = case when :again_at > 0 and tries < :tries_max then :again_at else due_at end,
    reason = 'stopped'
where mail_id = :attempt_id and state = 'sending';

-- name: mail_expire
update mail_order set state = 'expired', reason = 'expired', settled_at = :now where id in (
    select id from mail_order where state = 'waiting' and expires_at <= :now limit :limit)
returning id;

-- A report names the mail; the newest attempt under its mark stands for it. What is final stays.
-- name: mail_report
update mail_attempt set report = :report, status = :status, reported_at = :now
where id = (select id from mail_attempt where mark = :mark order by id desc limit 1)
    and (report is null or (report = 'delayed' and :report <> 'delayed'))
returning id, person_id, state;

-- name: mail_report_step
update mail_order set state = :state, reason = :reason, settled_at = :now
where mail_id = :attempt_id and state in ('sending', 'accepted', 'in_doubt');

-- name: mail_person_of
select person_id from mail_attempt where mark = :mark order by id desc limit 1;

-- name: mail_backlog
select state, count(*) from mail_order group by state order by state;

-- Mail in ------------------------------------------------------------------------------------------------------------

-- name: mail_in_seen
select draft_id, document_id from mail_in where owner = :owner and digest = :digest;

-- name: mail_in_add
insert into mail_in (owner, digest, unit_id, message_id, mail_from, received_at, draft_id, document_id)
values (:owner, :digest, :unit_id, :message_id, :mail_from, :now, :draft_id, :document_id);

-- name: mail_in_sent
update mail_in set document_id = :document_id where draft_id = :draft_id;

-- name: mail_draft_add
insert into mail_draft (unit_id, person_id, key_name, mail_from, message_id, title, body, kind, urgency, scope, received_at)
values (:unit_id, :person_id, :key_name, :mail_from, :message_id, :title, :body, :kind, :urgency, :scope, :received_at)
returning id;

-- name: mail_draft_file_add
insert into mail_draft_file (draft_id, no, attachment_id) values (:draft_id, :no, :attachment_id);

-- name: mail_drafts
select d.id, d.unit_id, d.person_id, d.key_name, d.mail_from, d.message_id, d.title, d.body, d.kind, d.urgency, d.scope, d.received_at
from json_each(:units) j cross join mail_draft d on d.unit_id = j.value
where d.id < :before and d.closed_at is null order by d.id desc limit :limit;

-- name: mail_draft
select id, unit_id, person_id, key_name, mail_from, message_id, title, body, kind, urgency, scope, received_at
from mail_draft where id = :id and closed_at is null;

-- name: mail_draft_files
select f.draft_id, a.id, a.name, a.media_type, a.size_bytes, a.sha256
from json_each(:drafts) j cross join mail_draft_file f on f.draft_id = j.value cross join attachment a on a.id = f.attachment_id
order by f.draft_id, f.no;

-- name: mail_draft_files_give
update attachment set uploaded_by = :person_id
where document_id is null and id in (select attachment_id from mail_draft_file where draft_id = :draft_id);

-- name: mail_draft_files_forget
delete from mail_draft_file where draft_id = :draft_id;

-- name: mail_draft_attachments_drop
delete from attachment where document_id is null and id in (select attachment_id from mail_draft_file where draft_id = :draft_id);

-- name: mail_draft_close
update mail_draft set closed_at = :now, title = '', body = '', scope = '' where id = :id;

-- name: mail_policy
select mode, kind from mail_policy where unit_id = :unit_id;

-- name: mail_policy_set
insert into mail_policy (unit_id, mode, kind, set_by, set_at) values (:unit_id, :mode, :kind, :set_by, :now)
on conflict (unit_id) do update set mode = excluded.mode, kind = excluded.kind, set_by = excluded.set_by, set_at = excluded.set_at;
