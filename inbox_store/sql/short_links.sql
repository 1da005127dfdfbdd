-- name: short_link_order
select o.person_id, p.name, o.unit_id, t.document_id, p.phone_sealed, p.phone_key
from sms_order o cross join alert t on t.id = o.alert_id cross join person p on p.id = o.person_id
where o.id = :order_id and t.document_id is not null;

-- name: short_link_uses
select act, said, detail, at from short_link_use where order_id = :order_id order by at, act;

-- name: short_link_use_add
insert into short_link_use (order_id, act, said, detail, at) values (:order_id, :act, :said, :detail, :at);
