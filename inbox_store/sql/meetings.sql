-- name: meeting_row
select m.document_id, m.place, m.starts_at, m.ends_at, m.reply_due_at, m.seats, m.fields, m.personal, d.title, d.sender_unit_id, d.recalled_at,
    d.is_test
from meeting m join document d on d.id = m.document_id where m.document_id = :document_id;

-- name: meeting_receipt_last
select version, answered_at, answered_by, attendees, note from meeting_receipt
where document_id = :document_id and unit_id = :unit_id order by version desc limit 1;

-- name: meeting_receipt_add
insert into meeting_receipt (document_id, unit_id, version, answered_at, answered_by, attendees, note)
values (:document_id, :unit_id, :version, :answered_at, :answered_by, :attendees, :note);

-- name: meeting_receipts
select r.unit_id, r.version, f.answered_at, r.answered_at, p.name, r.attendees, r.note
from meeting_receipt r
join meeting_receipt f on f.document_id = r.document_id and f.unit_id = r.unit_id and f.version = 1
join person p on p.id = r.answered_by
where r.document_id = :document_id and r.version = (
    select max(x.version) from meeting_receipt x where x.document_id = r.document_id and x.unit_id = r.unit_id)
order by r.unit_id;

-- name: meeting_asked
select unit_id, sent_at, counted from distribution where document_id = :document_id and role = 'to' and state not in ('recalled', 'returned')
order by unit_id;

-- name: meeting_personal_set
insert into meeting_personal (document_id, person_id, unit_id, answer, reason, at)
values (:document_id, :person_id, :unit_id, :answer, :reason, :at)
on conflict (document_id, person_id) do update set answer = excluded.answer, reason = excluded.reason, at = excluded.at;

-- name: meeting_personal_all
select m.unit_id, p.name, m.answer, m.reason, m.at from meeting_personal m join person p on p.id = m.person_id
where m.document_id = :document_id order by m.unit_id, p.id;

-- name: check_in_add
insert into check_in (document_id, unit_id, name, at, by_person) values (:document_id, :unit_id, :name, :at, :by_person)
on conflict (document_id, unit_id, name) do nothing;

-- name: check_ins
select unit_id, name, at from check_in where document_id = :document_id;

-- name: seat_set
insert into seat (document_id, unit_id, name, seat) values (:document_id, :unit_id, :name, :seat)
on conflict (document_id, unit_id, name) do update set seat = excluded.seat;

-- name: seats_all
select unit_id, name, seat from seat where document_id = :document_id;

-- name: meeting_unanswered
select v.unit_id, v.sent_at from distribution v join meeting m on m.document_id = v.document_id
where v.document_id = :document_id and v.role = 'to' and v.counted = 1 and v.state <> 'returned';
