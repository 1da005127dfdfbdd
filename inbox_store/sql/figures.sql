-- name: tally_sums
select unit_id, outcome, sum(n) from tally
where day >= :from_day and day <= :to_day and outcome_day <= :last_day group by unit_id, outcome having sum(n) <> 0;

-- name: tally_quarter_sums
select unit_id, outcome, n from tally_quarter where quarter = :quarter and n <> 0;

-- name: tally_quarter_after
select unit_id, outcome, -sum(n) from tally
where quarter = :quarter and outcome_quarter > quarter and outcome_day > :last_day group by unit_id, outcome;

-- name: tallies_all
select unit_id, kind, outcome, day, outcome_day, n from tally where n <> 0;

-- name: tally_quarters_all
select quarter, unit_id, outcome, n from tally_quarter where n <> 0;

-- Each row is something that happened: unit, kind, outcome, when its thing began, when it happened.
-- name: recount_sent
select v.unit_id, d.kind, 'sent', v.sent_at, v.sent_at from distribution v join document d on d.id = v.document_id where v.counted = 1;

-- name: recount_signed
select v.unit_id, d.kind,
    case v.state when 'returned' then 'returned' when 'recalled' then 'recalled'
         else case when v.sign_due_at is null or v.signed_at <= v.sign_due_at then 'on_time' else 'late' end end,
    v.sent_at,
    case v.state when 'returned' then v.returned_at when 'recalled' then v.recalled_at else v.signed_at end
from distribution v join document d on d.id = v.document_id
where v.counted = 1 and v.state <> 'unsigned';

-- name: recount_unread
select v.unit_id, d.kind, 'signed_unread', v.sent_at, v.signed_at
from distribution v join document d on d.id = v.document_id where v.counted = 1 and v.signed_unread = 1;

-- name: recount_handled
select v.unit_id, d.kind, 'handled', v.handling_started_at, v.handling_started_at
from distribution v join document d on d.id = v.document_id
where d.is_test = 0 and v.handling_started_at is not null;

-- name: recount_archived
select v.unit_id, d.kind, 'archived', v.handling_started_at, v.archived_at
from distribution v join document d on d.id = v.document_id
where d.is_test = 0 and v.handling_started_at is not null and v.archived_at is not null;

-- name: recount_asked
select v.unit_id, d.kind, 'asked', v.sent_at, v.sent_at
from distribution v
join document d on d.id = v.document_id
join meeting m on m.document_id = d.id
left join meeting_receipt r on r.document_id = v.document_id and r.unit_id = v.unit_id and r.version = 1
where v.counted = 1 and v.role = 'to'
  and (r.answered_at is not null or (d.recalled_at is null and v.state <> 'returned'));

-- name: recount_answered
select v.unit_id, d.kind, case when r.answered_at <= m.reply_due_at then 'answered' else 'answered_late' end, v.sent_at, r.answered_at
from distribution v
join document d on d.id = v.document_id
join meeting m on m.document_id = d.id
join meeting_receipt r on r.document_id = v.document_id and r.unit_id = v.unit_id and r.version = 1
where v.counted = 1 and v.role = 'to';

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
