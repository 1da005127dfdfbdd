-- name: health_documents
select id, kind, title, doc_no, urgency, duty, body, elements, sender_unit_id, digest from document
where id > :after order by id limit :limit;

-- name: health_attachments
select id, name, size_bytes, sha256, document_id from attachment order by document_id, no;

-- name: health_numbers
select id, phone_sealed, phone_key, phone_lookup from person where phone_sealed is not null order by id;
