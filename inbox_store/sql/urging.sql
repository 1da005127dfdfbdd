-- name: watch_chunk
insert into watch (duty, document_id, unit_id, copy_round, due_at)
select 'sign', v.document_id, v.unit_id, v.round, v.sign_due_at from distribution v
where v.document_id = :document_id and v.dispatch_id = :dispatch_id and v.unit_id > :after and v.unit_id <= :to
  and v.state = 'unsigned' and v.sign_due_at is not null
union all
select 'handle', v.document_id, v.unit_id, v.round, v.handle_due_at from distribution v
where v.document_id = :document_id and v.dispatch_id = :dispatch_id and v.unit_id > :after and v.unit_id <= :to
  and v.state = 'unsigned' and v.handle_due_at is not null
union all
select 'reply', v.document_id, v.unit_id, v.round, m.reply_due_at from meeting m cross join distribution v on v.document_id = m.document_id
where m.document_id = :document_id and v.dispatch_id = :dispatch_id and v.unit_id > :after and v.unit_id <= :to
  and v.state = 'unsigned' and v.role = 'to'
on conflict (duty, document_id, unit_id) do update set copy_round = excluded.copy_round, due_at = excluded.due_at, next_at = 0, reached = 0;

-- name: watch_handling
insert into watch (duty, document_id, unit_id, copy_round, due_at)
select 'handle', v.document_id, v.unit_id, v.round, :due_at from distribution v
where v.document_id = :document_id and v.unit_id = :unit_id
on conflict (duty, document_id, unit_id) do update set copy_round = excluded.copy_round, due_at = excluded.due_at, next_at = 0, reached = 0;

-- name: watch_due
select exists (select 1 from watch where next_at <= :now);

-- name: watch_next
update watch set next_at = :next_at, reached = :reached where duty = :duty and document_id = :document_id and unit_id = :unit_id;

-- name: watch_done
delete from watch where duty = :duty and document_id = :document_id and unit_id = :unit_id;

-- Only what is due is read: the index, then each row's copy and document by key.
-- name: matters_due
select w.duty, w.document_id, w.unit_id, w.copy_round, w.due_at, w.reached, v.sent_at, v.state, v.round, v.handler_id,
    coalesce((select a.folder from audience a where a.dispatch_id = v.dispatch_id and a.unit_id = v.unit_id), 'other_incoming'),
    d.urgency, d.kind, d.title, d.sensitivity, d.sender_unit_id, d.recalled_at is not null, p.sms_reminder,
    exists (select 1 from meeting_receipt r where r.document_id = w.document_id and r.unit_id = w.unit_id)
from watch w
cross join distribution v on v.document_id = w.document_id and v.unit_id = w.unit_id
cross join document d on d.id = w.document_id
cross join dispatch p on p.id = v.dispatch_id
where w.next_at <= :now order by w.next_at limit :limit;

-- What a unit owes of a document, for an urge by hand: all that could be owed, whatever is still watched.
-- name: matters_of
select t.value, v.document_id, v.unit_id, v.round,
    case t.value when 'sign' then v.sign_due_at when 'handle' then v.handle_due_at else m.reply_due_at end,
    0, v.sent_at, v.state, v.round, v.handler_id,
    coalesce((select a.folder from audience a where a.dispatch_id = v.dispatch_id and a.unit_id = v.unit_id), 'other_incoming'),
    d.urgency, d.kind, d.title, d.sensitivity, d.sender_unit_id, d.recalled_at is not null, p.sms_reminder,
    exists (select 1 from meeting_receipt r where r.document_id = v.document_id and r.unit_id = v.unit_id)
from json_each(:units) w
cross join distribution v on v.document_id = :document_id and v.unit_id = w.value
cross join document d on d.id = v.document_id
cross join dispatch p on p.id = v.dispatch_id
cross join json_each('["sign","reply","handle"]') t
left join meeting m on m.document_id = v.document_id
where case t.value when 'sign' then v.sign_due_at when 'handle' then v.handle_due_at else (case when v.role = 'to' then m.reply_due_at end) end
    is not null
order by w.key, t.key;

-- Units that may owe something still.
-- name: urge_units
select v.unit_id from distribution v
where v.document_id = :document_id and v.unit_id > :after and v.state in ('unsigned', 'signed', 'handling') and v.recalled_at is null
order by v.unit_id limit :limit;

-- name: unit_people
select post_held.person_id, post_held.role, coalesce(post_held.clerk_rank, ''), post_held.for_person
from post_held join account c on c.person_id = post_held.person_id
where post_held.unit_id = :unit_id and post_held.from_at <= :now and (post_held.to_at is null or post_held.to_at > :now)
  and c.state in ('pending', 'active')
  and (c.frozen_from is null or c.frozen_from > :now) and (c.closed_from is null or c.closed_from > :now)
order by post_held.person_id;

-- name: urge_by_hand_last
select max(at) from urge where document_id = :document_id and unit_id = :unit_id and by_person > 0;

-- The number of the last urge of a matter, and whether this step of its ladder was taken already.
-- name: urge_number
select coalesce(max(number), 0), coalesce(max(copy_round = :copy_round and step = :step), 0) from urge
where document_id = :document_id and unit_id = :unit_id and duty = :duty;

-- name: urge_add
insert into urge (duty, document_id, unit_id, copy_round, number, step, rung, by_person, payer_unit_id, alert_id, at)
values (:duty, :document_id, :unit_id, :copy_round, :number, :step, :rung, :by_person, :payer_unit_id, :alert_id, :now) returning id;

-- name: alert_person_add
insert into alert_person (alert_id, person_id, unit_id, part, asked) values (:alert_id, :person_id, :unit_id, :part, :asked)
on conflict (alert_id, person_id) do nothing;

-- One message to each of these people who has a number.
-- name: sms_order_person
insert into sms_order (alert_id, person_id, unit_id, route, priority, state, due_at, expires_at, segments)
select t.id, q.id, :unit_id, s.route, t.priority, 'waiting', :now, t.expires_at, t.segments
from alert t cross join person q on q.id = :person_id and q.phone_sealed is not null left join phone_state s on s.person_id = q.id
where t.id = :alert_id
on conflict (alert_id, person_id) do nothing;

-- name: urges_of
select u.id, u.duty, u.document_id, u.unit_id, u.number, u.rung, u.by_person, coalesce(b.name, ''), u.payer_unit_id, u.at
from urge u left join person b on b.id = u.by_person
where u.document_id = :document_id and u.id > :after order by u.id limit :limit;

-- name: urged_people
select u.value, a.person_id, q.name, a.asked, coalesce(o.state, '')
from json_each(:urges) u cross join urge g on g.id = u.value cross join alert_person a on a.alert_id = g.alert_id
cross join person q on q.id = a.person_id
left join sms_order o on o.alert_id = a.alert_id and o.person_id = a.person_id
order by u.value, a.person_id;
