-- name: light_on
insert into light (duty, document_id, unit_id, copy_round, due_at, amber_at, red_at)
values (:duty, :document_id, :unit_id, :copy_round, :due_at, :now, :red_at)
on conflict (duty, document_id, unit_id, copy_round, due_at) do update set red_at = coalesce(light.red_at, excluded.red_at);

-- name: light_hand_up
update light set supervisor_unit_id = :above, red_at = coalesce(red_at, :now), handed_at = :now
where duty = :duty and document_id = :document_id and unit_id = :unit_id and copy_round = :copy_round and due_at = :due_at
  and handed_at is null
returning id;

-- name: supervising_set
select region_id, unit_id from supervising;

-- name: supervising_put
insert into supervising (region_id, unit_id, set_by, set_at) values (:region_id, :unit_id, :actor, :now)
on conflict (region_id) do update set unit_id = excluded.unit_id, set_by = excluded.set_by, set_at = excluded.set_at;

-- name: supervising_drop
delete from supervising where region_id = :region_id;

-- Units with a supervisor in office whose post reaches beyond the unit itself.
-- name: supervisor_units
select distinct a.unit_id from appointment a
where a.role = 'supervisor' and a.scope <> 'unit' and a.from_at <= :now and (a.to_at is null or a.to_at > :now);

-- Supervisors first; clerks are there for a unit without one.
-- name: supervisors_of
select post_held.person_id, max(post_held.role = 'supervisor')
from post_held join account c on c.person_id = post_held.person_id
where post_held.unit_id = :unit_id and post_held.role in ('supervisor', 'clerk')
  and post_held.from_at <= :now and (post_held.to_at is null or post_held.to_at > :now)
  and c.state in ('pending', 'active')
  and (c.frozen_from is null or c.frozen_from > :now) and (c.closed_from is null or c.closed_from > :now)
group by post_held.person_id order by post_held.person_id;

-- name: entry_folder_hot
update inbox_hot set folder = :folder where send_no = :send_no and person_id = :person_id;

-- name: entry_folder_cold
update inbox set folder = :folder where person_id = :person_id and send_no = :send_no;

-- Lights that are on, each with whether its matter is open still.
-- name: lights_on
select l.id,
    d.recalled_at is null and v.round = l.copy_round and case l.duty
        when 'sign' then v.state = 'unsigned'
        when 'handle' then v.state in ('unsigned', 'signed', 'handling') and v.handle_due_at = l.due_at
        else v.state not in ('returned', 'recalled')
            and not exists (select 1 from meeting_receipt r where r.document_id = l.document_id and r.unit_id = l.unit_id) end
from light l
cross join distribution v on v.document_id = l.document_id and v.unit_id = l.unit_id
cross join document d on d.id = l.document_id
where l.out_at is null and l.id > :after order by l.id limit :limit;

-- name: lights_out
update light set out_at = :now where id in (select value from json_each(:ids)) and out_at is null;

-- name: lights_page
select l.id, l.duty, l.document_id, l.unit_id, l.due_at, l.amber_at, l.red_at, l.supervisor_unit_id, l.instruction_id,
    d.title, d.doc_no, d.urgency, d.kind, d.sender_unit_id, d.sensitivity,
    coalesce((select i.state from distribution i where i.document_id = l.instruction_id and i.unit_id = l.unit_id), '')
from light l
cross join distribution v on v.document_id = l.document_id and v.unit_id = l.unit_id
cross join document d on d.id = l.document_id
where l.out_at is null and l.id < :before and l.unit_id in (select value from json_each(:units))
  and (:red_only = 0 or l.red_at is not null) and (:duty = '' or l.duty = :duty)
  and d.recalled_at is null and v.round = l.copy_round and case l.duty
        when 'sign' then v.state = 'unsigned'
        when 'handle' then v.state in ('unsigned', 'signed', 'handling') and v.handle_due_at = l.due_at
        else v.state not in ('returned', 'recalled')
            and not exists (select 1 from meeting_receipt r where r.document_id = l.document_id and r.unit_id = l.unit_id) end
order by l.id desc limit :limit;

-- name: light_one
select l.id, l.duty, l.document_id, l.unit_id, l.due_at, l.amber_at, l.red_at, l.supervisor_unit_id, l.instruction_id,
    d.title, d.doc_no, d.urgency, d.kind, d.sender_unit_id, d.sensitivity,
    coalesce((select i.state from distribution i where i.document_id = l.instruction_id and i.unit_id = l.unit_id), '')
from light l join document d on d.id = l.document_id where l.id = :light_id;

-- name: red_counts
select l.unit_id, count(*), sum(l.out_at is null) from json_each(:units) w
cross join light l on l.unit_id = w.value and l.red_at >= :from_at and l.red_at < :to_at
group by l.unit_id order by l.unit_id;

-- name: light_instructed
update light set instruction_id = :document_id where id = :light_id and instruction_id is null;
