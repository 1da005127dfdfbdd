-- name: why_entry
select d.title, d.sender_unit_id, d.created_by, p.name, coalesce(h.delivered_at, i.delivered_at), coalesce(h.opened_at, i.opened_at),
    coalesce(h.done_at, i.done_at), coalesce(h.state, i.state), p.phone_sealed is not null,
    (select count(*) from device v where v.person_id = p.id and v.gone_at is null)
from document d cross join person p on p.id = :person_id
left join dispatch y on y.document_id = d.id
left join inbox_hot h on h.send_no = y.send_no and h.person_id = p.id
left join inbox i on i.person_id = p.id and i.send_no = y.send_no
where d.id = :document_id
order by coalesce(h.state, i.state) is null limit 1;

-- name: why_orders
select t.id, t.kind, t.round, t.created_at, t.policy, 'sms', '', o.state, coalesce(o.reason, ''), o.due_at, o.settled_at, o.until_opened
from alert t cross join sms_order o on o.alert_id = t.id and o.person_id = :person_id where t.document_id = :document_id
union all
select t.id, t.kind, t.round, t.created_at, t.policy, v.vendor, v.label, o.state, coalesce(o.reason, ''), o.due_at, o.settled_at, 0
from alert t cross join push_order o on o.alert_id = t.id and o.person_id = :person_id cross join device v on v.id = o.device_id
where t.document_id = :document_id
order by 4, 1, 6;
