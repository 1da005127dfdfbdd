-- name: signature_of
select v.signed_at, s.name || coalesce('（代' || (select f.name from person f where f.id = v.signed_for) || '）', '') from distribution v join person s on s.id = v.signed_by
where v.document_id = :document_id and v.unit_id = :unit_id and v.signed_at is not null;

-- name: general_sender
select c.county_id from document d join unit_county c on c.unit_id = d.sender_unit_id
where d.id = :document_id and exists (select 1 from dispatch p where p.document_id = d.id and p.general = 1);
