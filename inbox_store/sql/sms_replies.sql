-- name: reply_part_keep
insert into sms_reply_part (channel, phone_lookup, phone_sealed, phone_key, source, content, coding, header, received_at)
values (:channel, :phone_lookup, :phone_sealed, :phone_key, :source, :content, :coding, :header, :received_at)
on conflict (channel, phone_lookup, source, coding, header, content) do nothing returning id;

-- name: reply_parts_waiting
select id, channel, phone_sealed, phone_key, source, content, coding, header, received_at from sms_reply_part
where taken_at is null order by id;

-- name: reply_parts_at
select max(received_at) from sms_reply_part where id in (select value from json_each(:parts));

-- name: reply_parts_taken
update sms_reply_part set taken_at = :now where id in (select value from json_each(:parts));

-- name: reply_parts_forget
delete from sms_reply_part where taken_at < :before;

-- What this number was sent from a source that begins like the one replied to, the latest first.
-- name: reply_candidates
select o.id, o.person_id, p.name, o.unit_id, t.kind, t.document_id, coalesce(d.kind, ''), t.created_at,
    exists (select 1 from sms_attempt a where a.order_id = o.id and a.source = :source and a.sent_at <= :at
            and a.state in ('sending', 'accepted', 'in_doubt'))
from person p
cross join sms_order o on o.person_id = p.id
cross join alert t on t.id = o.alert_id
left join document d on d.id = t.document_id
where p.phone_lookup = :phone_lookup
  and exists (select 1 from sms_attempt a where a.order_id = o.id and substr(a.source, 1, length(:source)) = :source and a.sent_at <= :at
              and a.state in ('sending', 'accepted', 'in_doubt'))
order by o.id desc limit :limit;

-- name: reply_known
select 1 from sms_reply where channel = :channel and phone_lookup = :phone_lookup and source = :source and text = :text
  and received_at = :received_at;

-- name: reply_put
insert into sms_reply (channel, phone_lookup, phone_sealed, phone_key, source, text, received_at, said_at, question, order_id, person_id, unit_id,
    document_id, complete, meaning, detail, refused)
values (:channel, :phone_lookup, :phone_sealed, :phone_key, :source, :text, :received_at, :received_at, :question, :order_id, :person_id, :unit_id,
    :document_id, :complete, :meaning, :detail, :refused)
on conflict (channel, phone_lookup, source, text, question) do update
set received_at = min(sms_reply.received_at, excluded.received_at), said_at = max(sms_reply.said_at, excluded.said_at)
returning id, said_at;

-- A later word of the same person for the same unit to the same document that stands.
-- name: reply_later
select 1 from sms_reply where document_id = :document_id and person_id = :person_id and unit_id = :unit_id and refused = ''
  and meaning in ('attend', 'substitute', 'leave') and (said_at, text) > (:said_at, :text) limit 1;

-- name: reply_stands
update sms_reply set refused = '', why = '', version = coalesce(:version, version) where id = :id;

-- name: reply_stands_no_more
update sms_reply set refused = 'reply_superseded', why = '' where document_id = :document_id and person_id = :person_id and unit_id = :unit_id
  and id <> :id and refused = '' and meaning in ('attend', 'substitute', 'leave');

-- name: reply_refused
update sms_reply set refused = :refused, why = :why where id = :id;

-- What the unit reported otherwise than by a reply, after the reply was said.
-- name: reply_reported_since
select 1 from meeting_receipt r where r.document_id = :document_id and r.unit_id = :unit_id and r.answered_at > :at
  and not exists (select 1 from sms_reply s where s.document_id = r.document_id and s.unit_id = r.unit_id and s.version = r.version) limit 1;

-- name: reply_personal_now
select answer, reason, at from meeting_personal where document_id = :document_id and person_id = :person_id;

-- name: reply_post
select post from appointment where person_id = :person_id and unit_id = :unit_id and from_at <= :at and (to_at is null or to_at > :at)
order by role = 'clerk' desc, id limit 1;

-- name: reply_classes
select refused from phone_state where person_id = :person_id;

-- name: reply_class_refused
insert into phone_state (person_id, refused) values (:person_id, :refused) on conflict (person_id) do update set refused = excluded.refused;

-- name: reply_page_unmatched
select r.id, r.channel, r.phone_sealed, r.phone_key, r.source, r.text, r.received_at, r.said_at, p.name, r.unit_id, r.document_id, r.complete,
    r.meaning, r.detail, r.refused, r.why
from sms_reply r left join person p on p.phone_lookup = r.phone_lookup
where r.order_id is null and r.id < :before order by r.id desc limit :limit;

-- name: reply_page_document
select r.id, r.channel, r.phone_sealed, r.phone_key, r.source, r.text, r.received_at, r.said_at, p.name, r.unit_id, r.document_id, r.complete,
    r.meaning, r.detail, r.refused, r.why
from sms_reply r left join person p on p.id = r.person_id
where r.document_id = :document_id and r.id < :before order by r.id desc limit :limit;
