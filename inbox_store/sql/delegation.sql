-- name: delegation_one_hand
select exists (
    select 1 from delegation g where g.person_id = :first and g.agent_id = :second and g.from_at <= :now and g.to_at > :at
    union all
    select 1 from delegation g where g.person_id = :second and g.agent_id = :first and g.from_at <= :now and g.to_at > :at);

-- name: delegation_look
select
    exists (select 1 from appointment a where a.person_id = :person_id and a.unit_id = :unit_id
            and a.from_at < :to_at and (a.to_at is null or a.to_at > :from_at) and (a.to_at is null or a.to_at > :now)),
    exists (select 1 from appointment a where a.person_id = :agent_id and a.unit_id = :unit_id
            and a.from_at < :to_at and (a.to_at is null or a.to_at > :from_at) and (a.to_at is null or a.to_at > :now)),
    exists (select 1 from delegation g where g.person_id = :person_id and g.unit_id = :unit_id and g.from_at < :to_at and g.to_at > :from_at
            and g.to_at > g.from_at);

-- name: delegation_add
insert into delegation (person_id, agent_id, unit_id, from_at, to_at, reason, set_by, set_at)
values (:person_id, :agent_id, :unit_id, :from_at, :to_at, :reason, :actor, :now) returning id;

-- name: delegation_end
update delegation set to_at = :to_at, ended_by = :actor where id = :id;

-- name: delegation_one
select g.id, g.person_id, p.name, g.agent_id, a.name, g.unit_id, g.from_at, g.to_at, g.reason, g.set_by, coalesce(s.name, ''), g.set_at, g.ended_by
from delegation g join person p on p.id = g.person_id join person a on a.id = g.agent_id left join person s on s.id = g.set_by
where g.id = :id;

-- name: delegations
select g.id, g.person_id, p.name, g.agent_id, a.name, g.unit_id, g.from_at, g.to_at, g.reason, g.set_by, coalesce(s.name, ''), g.set_at, g.ended_by
from delegation g join person p on p.id = g.person_id join person a on a.id = g.agent_id left join person s on s.id = g.set_by
where g.id > :after and g.to_at > :now and g.to_at > g.from_at
  and (g.unit_id in (select value from json_each(:units)) or g.person_id = :own or g.agent_id = :own)
order by g.id limit :limit;

-- name: delegation_accounts
select id from account where person_id in (:person_id, :agent_id) order by id;
