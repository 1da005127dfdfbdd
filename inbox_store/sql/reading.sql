-- name: entry_find
select e.send_no, e.commit_no, e.folder, e.state, e.delivered_at, e.opened_at, e.done_at, d.id, d.title, d.kind, d.urgency, d.doc_no,
    d.sender_unit_id, d.recalled_at, p.id, d.is_test
from (
    select send_no, commit_no, folder, state, delivered_at, opened_at, done_at from inbox where person_id = :person_id
    union all
    select h.send_no, h.commit_no, h.folder, h.state, h.delivered_at, h.opened_at, h.done_at
    from hot_send s join inbox_hot h on h.send_no = s.send_no and h.person_id = :person_id
) e
join dispatch p on p.send_no = e.send_no join document d on d.id = p.document_id
where e.send_no < :before and (:folder = '' or e.folder = :folder) and (:state = '' or e.state = :state)
  and (:sender_unit_id = 0 or d.sender_unit_id = :sender_unit_id)
  and p.submitted_at >= :from_at and p.submitted_at < :to_at
  and (:text = 0 or (
    select count(*) from document_gram g where g.document_id = d.id and g.gram in (select value from json_each(:grams))
  ) = json_array_length(:grams))
order by e.send_no desc limit :limit;

-- name: signature_of
select v.signed_at, s.name from distribution v join person s on s.id = v.signed_by
where v.document_id = :document_id and v.unit_id = :unit_id and v.signed_at is not null;
