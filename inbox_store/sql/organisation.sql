-- name: org_region_upsert
insert into region (code, name, level) values (:code, :name, :level)
on conflict (code) do update set name = excluded.name, level = excluded.level;

-- name: org_line_upsert
insert into line (code, name) values (:code, :name)
on conflict (code) do update set name = excluded.name;

-- name: org_unit_upsert
insert into unit (code, name, short_name, unit_group, tags, obliged, rollout, active_from)
values (:code, :name, :short_name, :unit_group, :tags, :obliged, :rollout, :active_from)
on conflict (code) do update set name = excluded.name, short_name = excluded.short_name, unit_group = excluded.unit_group,
    tags = excluded.tags, obliged = excluded.obliged, rollout = excluded.rollout;

-- name: org_ids_region
select code, id from region;

-- name: org_ids_line
select code, id from line;

-- name: org_ids_unit
select code, id from unit;

-- name: org_links_open
select kind, child_id, parent_id, from_at from org_link where to_at is null;

-- name: org_link_close
update org_link set to_at = :now where kind = :kind and child_id = :child_id and to_at is null;

-- name: org_link_drop_same_instant
delete from org_link where kind = :kind and child_id = :child_id and from_at = :now;

-- name: org_link_add
insert into org_link (kind, child_id, parent_id, from_at) values (:kind, :child_id, :parent_id, :from_at);

-- name: org_section_upsert
insert into section (unit_id, code, name)
select u.id, :code, :name from unit u where u.code = :unit_code
on conflict (unit_id, code) do update set name = excluded.name;

-- name: org_county_clear
delete from unit_county;

-- name: org_county_fill
insert into unit_county (unit_id, county_id)
with recursive up (unit_id, region_id, level) as (
    select l.child_id, r.id, r.level
    from org_link l join region r on r.id = l.parent_id
    where l.kind = 'unit_region' and l.to_at is null
    union all
    select up.unit_id, r.id, r.level
    from up
    join org_link l on l.kind = 'region_region' and l.child_id = up.region_id and l.to_at is null
    join region r on r.id = l.parent_id
    where up.level not in ('county', 'city')
)
select unit_id, region_id from up where level in ('county', 'city');

-- name: org_phone_owners
select p.phone_lookup, p.code from person p where p.phone_lookup is not null;

-- name: org_person_upsert
insert into person (code, name, phone_sealed, phone_key, phone_lookup)
values (:code, :name, :phone_sealed, :phone_key, :phone_lookup)
on conflict (code) do update set name = excluded.name,
    phone_sealed = coalesce(excluded.phone_sealed, person.phone_sealed),
    phone_key = coalesce(excluded.phone_key, person.phone_key),
    phone_lookup = coalesce(excluded.phone_lookup, person.phone_lookup);

-- name: org_account_add
insert into account (person_id, login, state, created_at)
select p.id, :login, 'pending', :now from person p where p.code = :code
on conflict (person_id) do nothing;

-- name: org_appointment_update
update appointment set section_id = (select s.id from section s where s.unit_id = appointment.unit_id and s.code = :section_code),
    clerk_rank = :clerk_rank, post = :post, scope = :scope, to_at = :to_at
where person_id = (select id from person where code = :person_code)
  and unit_id = (select id from unit where code = :unit_code)
  and role = :role and (to_at is null or to_at > :now);

-- name: org_appointment_add
insert into appointment (person_id, unit_id, section_id, role, clerk_rank, post, scope, from_at, to_at)
select p.id, u.id, (select s.id from section s where s.unit_id = u.id and s.code = :section_code),
       :role, :clerk_rank, :post, :scope, :from_at, :to_at
from person p, unit u
where p.code = :person_code and u.code = :unit_code
  and not exists (select 1 from appointment a where a.person_id = p.id and a.unit_id = u.id and a.role = :role
                  and (a.to_at is null or a.to_at > :now))
on conflict (person_id, unit_id, role, from_at) do nothing;

-- name: org_addressee_clear
delete from addressee where unit_id >= :low and unit_id <= :high;

-- name: org_addressee_fill
insert into addressee (unit_id, person_id, is_clerk, leader_mask)
select a.unit_id, a.person_id,
    max(case when a.role = 'clerk' then 1 else 0 end),
    max(case when a.role = 'head' then 1 else 0 end)
        + max(case when a.role = 'deputy_in_charge' then 2 else 0 end)
        + max(case when a.role = 'responsible_leader' then 4 else 0 end)
from post_held a join account c on c.person_id = a.person_id
where a.unit_id >= :low and a.unit_id <= :high
  and a.from_at <= :now and (a.to_at is null or a.to_at > :now)
  and c.state in ('pending', 'active')
  and (c.frozen_from is null or c.frozen_from > :now) and (c.closed_from is null or c.closed_from > :now)
group by a.unit_id, a.person_id;

-- name: org_units_due
select distinct a.unit_id from appointment a
where (a.from_at > :since and a.from_at <= :now) or (a.to_at > :since and a.to_at <= :now)
union
select g.unit_id from delegation g
where (g.from_at > :since and g.from_at <= :now) or (g.to_at > :since and g.to_at <= :now)
union
select a.unit_id from account c join appointment a on a.person_id = c.person_id
where (c.frozen_from > :since and c.frozen_from <= :now) or (c.closed_from > :since and c.closed_from <= :now);

-- name: org_units_of_person
select distinct unit_id from appointment where person_id = :person_id;

-- name: org_version
select version, swept_at from org_version;

-- name: org_swept
update org_version set swept_at = :now;

-- name: org_snapshot_regions
select r.id, r.code, r.name, r.level, l.parent_id
from region r left join org_link l on l.kind = 'region_region' and l.child_id = r.id and l.to_at is null;

-- name: org_snapshot_lines
select id, code, name from line;

-- name: org_snapshot_units
select u.id, u.code, u.name, u.unit_group, place.parent_id, c.county_id, vertical.parent_id, u.tags, u.obliged, u.rollout,
       u.active_from, u.active_to, u.frozen_at
from unit u
join unit_county c on c.unit_id = u.id
join org_link place on place.kind = 'unit_region' and place.child_id = u.id and place.to_at is null
left join org_link vertical on vertical.kind = 'unit_line' and vertical.child_id = u.id and vertical.to_at is null;

-- name: org_snapshot_people
select unit_id, is_clerk, leader_mask, count(*) from addressee group by unit_id, is_clerk, leader_mask;

-- name: org_unit_freeze
update unit set frozen_at = :at where id = :unit_id;

-- name: org_addressee_differs
select unit_id, person_id, is_clerk, leader_mask from addressee
except
select a.unit_id, a.person_id,
    max(case when a.role = 'clerk' then 1 else 0 end),
    max(case when a.role = 'head' then 1 else 0 end)
        + max(case when a.role = 'deputy_in_charge' then 2 else 0 end)
        + max(case when a.role = 'responsible_leader' then 4 else 0 end)
from post_held a join account c on c.person_id = a.person_id
where a.from_at <= :now and (a.to_at is null or a.to_at > :now)
  and c.state in ('pending', 'active')
  and (c.frozen_from is null or c.frozen_from > :now) and (c.closed_from is null or c.closed_from > :now)
group by a.unit_id, a.person_id;

-- name: known_regions
select code, level from region;

-- name: known_lines
select code from line;

-- name: known_units
select u.code, r.code from unit u
join org_link l on l.kind = 'unit_region' and l.child_id = u.id and l.to_at is null
join region r on r.id = l.parent_id;

-- name: known_sections
select u.code, s.code from section s join unit u on u.id = s.unit_id;

-- name: known_people
select p.code, c.login from person p left join account c on c.person_id = p.id;

-- name: known_clerks
select u.code, a.clerk_rank, p.code from appointment a join unit u on u.id = a.unit_id join person p on p.id = a.person_id
where a.role = 'clerk' and (a.to_at is null or a.to_at > :now);

-- name: known_separated
select p.code, a.role from appointment a join person p on p.id = a.person_id
where a.role in ('administrator', 'security', 'auditor') and (a.to_at is null or a.to_at > :now);
