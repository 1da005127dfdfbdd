-- name: sent_page
select p.id, p.document_id, p.supplement_of, p.state, p.general, p.units, p.persons, p.segments, p.amount_li, p.submitted_by, s.name,
    p.submitted_at, p.decided_by, a.name, p.decided_at, p.decision_note, p.sent_at, d.sender_unit_id, d.title, d.kind, d.urgency, d.doc_no,
    d.recalled_at, d.is_test
from dispatch p join document d on d.id = p.document_id join person s on s.id = p.submitted_by left join person a on a.id = p.decided_by
where p.id < :before and (:everywhere = 1 or d.sender_unit_id in (select value from json_each(:units)) or p.submitted_by = :own)
    and (:state = '' or p.state = :state)
order by p.id desc limit :limit;

-- name: sent_one
select p.id, p.document_id, p.supplement_of, p.state, p.general, p.units, p.persons, p.segments, p.amount_li, p.submitted_by, s.name,
    p.submitted_at, p.decided_by, a.name, p.decided_at, p.decision_note, p.sent_at, d.sender_unit_id, d.title, d.kind, d.urgency, d.doc_no,
    d.recalled_at, d.is_test
from dispatch p join document d on d.id = p.document_id join person s on s.id = p.submitted_by left join person a on a.id = p.decided_by
where p.id = :dispatch_id;

-- name: general_page
select p.id, p.document_id, p.supplement_of, p.state, p.general, p.units, p.persons, p.segments, p.amount_li, p.submitted_by, s.name,
    p.submitted_at, p.decided_by, a.name, p.decided_at, p.decision_note, p.sent_at, d.sender_unit_id, d.title, d.kind, d.urgency, d.doc_no,
    d.recalled_at, d.is_test
from dispatch p join document d on d.id = p.document_id join person s on s.id = p.submitted_by left join person a on a.id = p.decided_by
where p.id > :after and p.general = 1 and p.submitted_at >= :from_at and p.submitted_at < :to_at
    and (:everywhere = 1 or d.sender_unit_id in (select value from json_each(:units)) or p.submitted_by = :own)
order by p.id limit :limit;

-- name: person_names
select id, name from person where id in (select value from json_each(:ids));
