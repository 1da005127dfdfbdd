-- name: restore_epoch
update installation set epoch = :epoch;

-- name: restore_sessions
update login_session set ended_at = :now, end_reason = 'restored' where ended_at is null;

-- name: restore_tokens
update account set token_epoch = token_epoch + 1;

-- name: restore_key
insert into receipt_key (key_id, public_key, from_at) values (:key_id, :public_key, :now) on conflict do nothing;

-- name: restore_numbers
select id, phone_sealed, phone_key from person where phone_sealed is not null;

-- name: restore_forget_number
update person set phone_sealed = null, phone_key = null, phone_lookup = null where id = :id;

-- name: restore_attendees
select document_id, unit_id, version, attendees from meeting_receipt where attendees like '%"phone_sealed":"%';

-- name: restore_forget_attendees
update meeting_receipt set attendees = :attendees
where document_id = :document_id and unit_id = :unit_id and version = :version;

-- name: restore_lookup
update person set phone_lookup = :lookup where id = :id;
