-- name: switch_county
select name from region where id = :county_id and level = 'county';

-- name: switch_open
select id from sms_switch where county_id = :county_id and decided_at is null;

-- What holds in the end, once all that was approved has taken effect.
-- name: switch_planned
select on_or_off, from_at from sms_switch where county_id = :county_id and approved = 1 order by from_at desc, id desc limit 1;

-- name: switch_add
insert into sms_switch (county_id, letter_no, on_or_off, applied_by, applied_at, wanted_at)
values (:county_id, :letter_no, :on_or_off, :actor, :now, :wanted_at) returning id;

-- name: switch_one
select w.id, w.county_id, r.name, w.letter_no, w.on_or_off, w.applied_by, coalesce(a.name, ''), w.applied_at, w.wanted_at,
    w.decided_by, coalesce(d.name, ''), w.decided_at, w.approved, w.from_at, w.note
from sms_switch w
join region r on r.id = w.county_id
left join person a on a.id = w.applied_by
left join person d on d.id = w.decided_by
where w.id = :id;

-- name: switch_page
select w.id, w.county_id, r.name, w.letter_no, w.on_or_off, w.applied_by, coalesce(a.name, ''), w.applied_at, w.wanted_at,
    w.decided_by, coalesce(d.name, ''), w.decided_at, w.approved, w.from_at, w.note
from sms_switch w
join region r on r.id = w.county_id
left join person a on a.id = w.applied_by
left join person d on d.id = w.decided_by
where w.id < :before and w.county_id in (select value from json_each(:counties))
    and (:state = '' or :state = case when w.decided_at is null then 'open' when w.approved = 1 then 'approved' else 'rejected' end)
order by w.id desc limit :limit;

-- name: switch_decide
update sms_switch set decided_by = :actor, decided_at = :now, approved = :approved, from_at = :from_at, note = :note
where id = :id and decided_at is null;

-- Each county as it stands at an instant, and the change that follows it.
-- name: switch_standing
select r.id, r.code, r.name, coalesce(n.on_or_off, 'on'), n.from_at, l.on_or_off, l.from_at,
    (select o.id from sms_switch o where o.county_id = r.id and o.decided_at is null)
from region r
left join sms_switch n on n.id = (select x.id from sms_switch x
    where x.county_id = r.id and x.approved = 1 and x.from_at <= :at order by x.from_at desc, x.id desc limit 1)
left join sms_switch l on l.id = (select x.id from sms_switch x
    where x.county_id = r.id and x.approved = 1 and x.from_at > :at order by x.from_at, x.id desc limit 1)
where r.level = 'county' and r.id in (select value from json_each(:counties))
order by r.code;

-- A message is counted once: for the county that caused it where that was switched off, else for the county it went to.
-- name: switch_suppressed
select county_id, count(*), sum(segments) from (
    select o.segments, case when coalesce((select w.on_or_off = 'off' from sms_switch w
        where w.county_id = tc.county_id and w.approved = 1 and w.from_at <= o.settled_at + :ahead
        order by w.from_at desc, w.id desc limit 1), 0) then tc.county_id else oc.county_id end as county_id
    from sms_order o
    cross join alert t on t.id = o.alert_id
    left join unit_county oc on oc.unit_id = o.unit_id
    left join unit_county tc on tc.unit_id = t.unit_id
    where o.state = 'suppressed' and o.reason = 'switched_off' and o.settled_at >= :from_at and o.settled_at < :to_at)
where county_id in (select value from json_each(:counties))
group by county_id;
