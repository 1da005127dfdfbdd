-- name: tallies_read
select measure, unit_id, kind, day, outcome, outcome_day, n from tally
where day >= :from_day and day <= :to_day and n <> 0;

-- name: recount_sign
select 'sign', v.unit_id, d.kind, v.sent_at,
    case v.state when 'unsigned' then 'unsigned' when 'returned' then 'returned' when 'recalled' then 'recalled'
         else case when v.sign_due_at is null or v.signed_at <= v.sign_due_at then 'on_time' else 'late' end end,
    case v.state when 'unsigned' then null when 'returned' then v.returned_at when 'recalled' then v.recalled_at else v.signed_at end
from distribution v join document d on d.id = v.document_id
where v.counted = 1;

-- name: recount_unread
select 'unread', v.unit_id, d.kind, v.sent_at, 'signed_unread', v.signed_at
from distribution v join document d on d.id = v.document_id where v.counted = 1 and v.signed_unread = 1;

-- name: recount_handling
select 'handling', v.unit_id, d.kind, v.handling_started_at, case when v.archived_at is null then 'open' else 'archived' end, v.archived_at
from distribution v join document d on d.id = v.document_id
where d.is_test = 0 and v.handling_started_at is not null;

-- name: recount_meeting
select 'meeting', v.unit_id, d.kind, v.sent_at,
    case when r.answered_at is null then 'asked' when r.answered_at <= m.reply_due_at then 'answered' else 'answered_late' end, r.answered_at
from distribution v
join document d on d.id = v.document_id
join meeting m on m.document_id = d.id
left join meeting_receipt r on r.document_id = v.document_id and r.unit_id = v.unit_id and r.version = 1
where v.counted = 1 and v.role = 'to'
  and (r.answered_at is not null or (d.recalled_at is null and v.state <> 'returned'));

-- name: recount_inbox_cold
select person_id, folder, count(*), sum(case when state in ('to_do', 'to_read') then 1 else 0 end) from inbox group by person_id, folder
except select person_id, folder, total, pending from inbox_count;

-- name: recount_inbox_counters
select person_id, folder, total, pending from inbox_count where total <> 0
except select person_id, folder, count(*), sum(case when state in ('to_do', 'to_read') then 1 else 0 end) from inbox group by person_id, folder;

-- name: recount_entries_twice
select h.send_no, h.person_id from inbox_hot h join inbox c on c.person_id = h.person_id and c.send_no = h.send_no;

-- name: recount_people_twice
select p.document_id, e.person_id, count(*) from (
    select send_no, person_id from inbox_hot union all select send_no, person_id from inbox) e
join dispatch p on p.send_no = e.send_no group by p.document_id, e.person_id having count(*) > 1;

-- name: recount_unsent_units
select a.dispatch_id, a.unit_id from audience a join dispatch p on p.id = a.dispatch_id join document d on d.id = p.document_id
where p.state = 'sent' and d.recalled_at is null
  and not exists (select 1 from distribution v where v.document_id = p.document_id and v.unit_id = a.unit_id);

-- name: recount_ghost_copies
select v.document_id, v.unit_id from distribution v
where not exists (select 1 from audience a join dispatch p on p.id = a.dispatch_id
                  where p.document_id = v.document_id and a.unit_id = v.unit_id and p.send_no is not null);

-- name: units_totals
select count(*) from distribution where document_id = :document_id;

-- name: entries_total
select count(*) from (
    select h.person_id from dispatch p join inbox_hot h on h.send_no = p.send_no where p.document_id = :document_id and h.folder <> 'outgoing'
    union all
    select c.person_id from dispatch p join inbox c on c.send_no = p.send_no where p.document_id = :document_id and c.folder <> 'outgoing');

-- name: outcomes_of_document
select case v.state when 'unsigned' then 'unsigned' when 'returned' then 'returned' when 'recalled' then 'recalled'
       else case when v.sign_due_at is null or v.signed_at <= v.sign_due_at then 'on_time' else 'late' end end as outcome, count(*)
from distribution v where v.document_id = :document_id and v.counted = 1 group by outcome;
