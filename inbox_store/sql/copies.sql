-- name: entry_place
select send_no, case when state = 'sending' then 1 else 0 end from dispatch
where document_id = :document_id and send_no is not null order by send_no desc limit 1;

-- name: copy_row
select v.state, v.counted, v.sent_at, v.sign_due_at, v.opened_at, v.signed_at, v.handling_started_at, v.handle_due_at, v.archived_at,
    v.role, v.round, u.code, u.name
from distribution v join unit u on u.id = v.unit_id where v.document_id = :document_id and v.unit_id = :unit_id;

-- name: posts_now
select post_held.role from post_held join account c on c.person_id = post_held.person_id
where post_held.person_id = :person_id and post_held.unit_id = :unit_id
  and post_held.from_at <= :now and (post_held.to_at is null or post_held.to_at > :now)
  and c.state in ('pending', 'active')
  and (c.frozen_from is null or c.frozen_from > :now) and (c.closed_from is null or c.closed_from > :now);

-- Orders are [document, unit, person, now]; a row for each, in their order, with nulls for what is not there.
-- name: sign_look
with o as materialized (
    select key, value ->> 0 as document_id, value ->> 1 as unit_id, value ->> 2 as person_id, value ->> 3 as now from json_each(:orders))
select d.kind, d.doc_no, d.digest, v.state, v.counted, v.sent_at, v.sign_due_at, u.code, u.name,
    exists (
        select 1 from appointment a join account c on c.person_id = a.person_id
        where a.person_id = o.person_id and a.unit_id = o.unit_id and a.role = 'clerk'
          and a.from_at <= o.now and (a.to_at is null or a.to_at > o.now)
          and c.state in ('pending', 'active')
          and (c.frozen_from is null or c.frozen_from > o.now) and (c.closed_from is null or c.closed_from > o.now)),
    (select min(g.person_id) from delegation g
        cross join appointment a on a.person_id = g.person_id and a.unit_id = g.unit_id and a.role = 'clerk'
        cross join appointment m on m.person_id = g.agent_id and m.unit_id = g.unit_id
        cross join account c on c.person_id = g.agent_id
     where g.agent_id = o.person_id and g.unit_id = o.unit_id and g.from_at <= o.now and g.to_at > o.now
       and a.from_at <= o.now and (a.to_at is null or a.to_at > o.now) and m.from_at <= o.now and (m.to_at is null or m.to_at > o.now)
       and c.state in ('pending', 'active')
       and (c.frozen_from is null or c.frozen_from > o.now) and (c.closed_from is null or c.closed_from > o.now)),
    coalesce(
        (select h.opened_at from dispatch p cross join inbox_hot h
         where p.document_id = o.document_id and h.send_no = p.send_no and h.person_id = o.person_id),
        (select c.opened_at from dispatch p cross join inbox c
         where p.document_id = o.document_id and c.person_id = o.person_id and c.send_no = p.send_no))
from o
left join document d on d.id = o.document_id
left join distribution v on v.document_id = o.document_id and v.unit_id = o.unit_id
left join unit u on u.id = v.unit_id
order by o.key;

-- name: copy_signed
update distribution set state = 'signed', signed_at = :now, signed_by = :person_id, signed_unread = :unread, signed_bulk = :bulk,
    signed_for = :signed_for
where document_id = :document_id and unit_id = :unit_id and state = 'unsigned';

-- name: copy_returned
update distribution set state = 'returned', returned_at = :now, returned_by = :person_id, return_reason = :reason
where document_id = :document_id and unit_id = :unit_id and state = 'unsigned';

-- name: copy_opened
update distribution set opened_at = :now where document_id = :document_id and opened_at is null
  and unit_id in (select a.unit_id from appointment a where a.person_id = :person_id and a.from_at <= :now and (a.to_at is null or a.to_at > :now));

-- name: copy_handling
update distribution set state = 'handling', handler_id = :handler_id, handling_started_at = coalesce(handling_started_at, :now),
    handle_due_at = :due_at, handled_at = null, archived_at = null
where document_id = :document_id and unit_id = :unit_id;

-- name: copy_finished
update distribution set state = 'finished', handled_at = :now where document_id = :document_id and unit_id = :unit_id;

-- name: copy_archived
update distribution set state = 'archived', archived_at = :now, handled_at = coalesce(handled_at, :now),
    handling_started_at = coalesce(handling_started_at, :now)
where document_id = :document_id and unit_id = :unit_id;

-- name: handling_add
insert into handling (document_id, unit_id, handler_id, assigned_by, assigned_at, due_at, note)
values (:document_id, :unit_id, :handler_id, :assigned_by, :assigned_at, :due_at, :note);

-- name: handling_current
select handler_id from distribution where document_id = :document_id and unit_id = :unit_id;

-- name: opinion_add
insert into opinion (document_id, unit_id, person_id, at, text) values (:document_id, :unit_id, :person_id, :at, :text) returning id;

-- name: opinions_of
select o.id, o.unit_id, o.person_id, p.name, o.at, o.text from opinion o join person p on p.id = o.person_id
where o.document_id = :document_id and o.unit_id = :unit_id order by o.id;

-- Copies are [document, unit, now]: the entries, hot or merged, of the clerks of a copy's unit who have no other duty left in the document.
-- name: clerks_free
with o as materialized (select value ->> 0 as document_id, value ->> 1 as unit_id, value ->> 2 as now from json_each(:copies))
select p.send_no, a.person_id, o.now, h.state, c.state, c.folder
from o
cross join appointment a on a.unit_id = o.unit_id and a.role = 'clerk'
    and a.from_at <= o.now and (a.to_at is null or a.to_at > o.now)
cross join dispatch p on p.document_id = o.document_id
left join inbox_hot h on h.send_no = p.send_no and h.person_id = a.person_id
left join inbox c on h.state is null and c.person_id = a.person_id and c.send_no = p.send_no
where not exists (
    select 1 from addressee x join distribution v on v.unit_id = x.unit_id and v.document_id = o.document_id
    where x.person_id = a.person_id
      and ((x.is_clerk = 1 and v.state = 'unsigned') or (v.state = 'handling' and v.handler_id = x.person_id)));

-- name: entry_hot_done
update inbox_hot set state = 'done', done_at = :now where send_no = :send_no and person_id = :person_id;

-- name: entry_cold_done
update inbox set state = 'done', done_at = :now where person_id = :person_id and send_no = :send_no;

-- name: duties_left
select count(*) from addressee x join distribution v on v.unit_id = x.unit_id and v.document_id = :document_id
where x.person_id = :person_id
  and ((x.is_clerk = 1 and v.state = 'unsigned') or (v.state = 'handling' and v.handler_id = x.person_id));

-- name: person_units_now
select distinct unit_id from appointment where person_id = :person_id and from_at <= :now and (to_at is null or to_at > :now);

-- name: copies_of_units
select v.unit_id, v.role, v.state, v.sent_at, v.sign_due_at, v.due_provisional, v.opened_at, v.signed_at,
    s.name || coalesce('（代' || (select f.name from person f where f.id = v.signed_for) || '）', ''), v.handler_id, v.handle_due_at,
    v.archived_at, v.return_reason, v.recalled_at
from distribution v left join person s on s.id = v.signed_by
where v.document_id = :document_id and v.unit_id in (select value from json_each(:units));

-- name: unit_copies_page
select v.document_id, v.state, v.sent_at, v.sign_due_at, v.signed_at, v.handle_due_at, d.title, d.kind, d.urgency, d.doc_no, d.sender_unit_id
from distribution v join document d on d.id = v.document_id
where v.unit_id = :unit_id and v.document_id < :before and (:state = '' or v.state = :state)
order by v.document_id desc limit :limit;

-- name: dispatch_submitter
select submitted_by from dispatch where document_id = :document_id order by id limit 1;

-- name: copies_all
select unit_id, state from distribution where document_id = :document_id;
