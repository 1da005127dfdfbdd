-- name: attachments_drop
delete from attachment where id in (select value from json_each(:ids)) and uploaded_by = :uploaded_by and document_id is null
returning id;
