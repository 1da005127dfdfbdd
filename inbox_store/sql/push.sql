-- name: device_add
insert into device (person_id, vendor, token_sealed, token_key, token_lookup, label, added_at, seen_at)
values (:person_id, :vendor, :token_sealed, :token_key, :token_lookup, :label, :now, :now)
on conflict (token_lookup) do update set person_id = excluded.person_id, vendor = excluded.vendor, token_sealed = excluded.token_sealed,
    token_key = excluded.token_key, label = excluded.label, seen_at = excluded.seen_at, gone_at = null, gone_why = null
returning id;

-- name: device_oldest
select id from device where person_id = :person_id and gone_at is null order by seen_at desc, id desc limit -1 offset :keep;

-- name: devices_of
select id, person_id, vendor, label, added_at, seen_at, gone_at, coalesce(gone_why, '') from device where person_id = :person_id order by id;

-- name: device_gone
update device set gone_at = :now, gone_why = :why where id = :id and gone_at is null;

-- name: device_counts
select vendor, count(*) from device where gone_at is null group by vendor;

-- name: device_gone_count
select count(*) from device where gone_at is not null and gone_why not in ('removed', 'crowded');

-- Of a chunk of a dispatch's audience: every device of whoever is addressed; who is online first gets the live frame.
-- name: push_order_chunk
insert into push_order (alert_id, person_id, device_id, vendor, priority, state, due_at, expires_at)
select t.id, v.person_id, v.id, v.vendor, t.priority, 'waiting',
    :now + case when v.person_id in (select value from json_each(:online)) then :grace else 0 end, t.expires_at
from alert t
cross join dispatch p on p.id = t.dispatch_id
cross join audience a on a.dispatch_id = p.id and a.unit_id > :after and a.unit_id <= :to
cross join addressee x on x.unit_id = a.unit_id
cross join device v on v.person_id = x.person_id and v.gone_at is null
where t.id = :alert_id and (p.reach = 'everyone' or x.is_clerk = 1 or (x.leader_mask & p.leader_mask) <> 0)
on conflict (alert_id, device_id) do nothing;

-- name: push_order_persons
insert into push_order (alert_id, person_id, device_id, vendor, priority, state, due_at, expires_at)
select t.id, v.person_id, v.id, v.vendor, t.priority, 'waiting', :now, t.expires_at
from json_each(:people) j cross join alert t on t.id = :alert_id cross join device v on v.person_id = j.value and v.gone_at is null
where true on conflict (alert_id, device_id) do nothing;

-- name: push_due
select o.id, o.alert_id, t.kind, t.round, t.document_id, t.unit_id, t.urgency, coalesce(d.kind, ''), coalesce(d.title, ''),
    coalesce(d.sensitivity, ''), coalesce(d.is_test, 0), d.recalled_at is not null, o.person_id, o.device_id, v.token_sealed, v.token_key,
    v.gone_at is not null, o.priority, o.due_at, o.expires_at, o.tries,
    coalesce(h.delivered_at, i.delivered_at) is not null, coalesce(h.opened_at, i.opened_at, h.done_at, i.done_at) is not null,
    coalesce(f.push_ordinary, 1), coalesce(f.digest_minutes, 0), coalesce(f.quiet_from, 0), coalesce(f.quiet_to, 0),
    (select count(*) from push_order w where w.device_id = o.device_id and w.state = 'waiting' and w.priority >= 2), t.created_at
from push_order o
cross join alert t on t.id = o.alert_id
cross join device v on v.id = o.device_id
left join document d on d.id = t.document_id
left join dispatch p on p.id = t.dispatch_id
left join inbox_hot h on h.send_no = p.send_no and h.person_id = o.person_id
left join inbox i on i.person_id = o.person_id and i.send_no = p.send_no
left join preference f on f.person_id = o.person_id
where o.state = 'waiting' and o.vendor = :vendor and o.priority = :priority and o.due_at <= :now
order by o.due_at, o.id limit :limit;

-- name: push_waiting
select exists (select 1 from push_order where state = 'waiting' and vendor = :vendor and priority in (0, 1, 2, 3) and due_at <= :now);

-- name: push_sending
update push_order set state = 'sending', tries = tries + 1, sent_at = :now, reason = null where id = :id;

-- name: push_wait
update push_order set due_at = :due_at, reason = :reason where id = :id;

-- name: push_stop
update push_order set state = :state, reason = :reason, settled_at = :now where id = :id;

-- The others that wait for the same device, told by one alert.
-- name: push_merge
update push_order set state = 'merged', reason = :reason, settled_at = :now
where device_id = :device_id and state = 'waiting' and priority >= 2 and id <> :id;

-- name: push_settle
update push_order set state = :state, reason = :reason, receipt = coalesce(:receipt, receipt), due_at = max(due_at, :due_at),
    settled_at = case when :state = 'waiting' then null else :now end
where id = :id and state in ('sending', 'in_doubt');

-- name: push_lost
update push_order set state = 'in_doubt', reason = 'stopped', settled_at = :now where state = 'sending' returning id;

-- name: push_receipt
update push_order set state = :state, reason = coalesce(:reason, reason), settled_at = :now
where vendor = :vendor and receipt = :receipt and state in ('accepted', 'in_doubt', 'sending')
  and (:token_lookup is null or device_id = (select v.id from device v where v.token_lookup = :token_lookup));

-- name: push_expire
update push_order set state = 'expired', reason = 'expired', settled_at = :now where id in (
    select id from push_order where state = 'waiting' and expires_at <= :now limit :limit) returning id;

-- name: push_of_document
select o.state, count(*) from alert t cross join push_order o on o.alert_id = t.id where t.document_id = :document_id group by o.state;

-- name: preference_keep
insert into preference (person_id, push_ordinary, sms_ordinary, digest_minutes, quiet_from, quiet_to, changed_at)
values (:person_id, :push_ordinary, :sms_ordinary, :digest_minutes, :quiet_from, :quiet_to, :now)
on conflict (person_id) do update set push_ordinary = excluded.push_ordinary, sms_ordinary = excluded.sms_ordinary,
    digest_minutes = excluded.digest_minutes, quiet_from = excluded.quiet_from, quiet_to = excluded.quiet_to, changed_at = excluded.changed_at;

-- name: preference_of
select push_ordinary, sms_ordinary, digest_minutes, quiet_from, quiet_to from preference where person_id = :person_id;
