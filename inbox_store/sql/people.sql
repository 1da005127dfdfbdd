-- name: people_page
select p.id, p.code, p.name, p.phone_sealed, p.phone_key, c.id, c.login, c.state, c.frozen_from, c.closed_from, c.locked_until,
       (select max(l.at) from login l where l.account_id = c.id and l.interactive = 1)
from person p join account c on c.person_id = p.id
where p.id > :after and exists (select 1 from appointment a where a.person_id = p.id and a.unit_id = :unit_id
    and (a.to_at is null or a.to_at > :now))
order by p.id limit :limit;

-- name: people_posts
select a.person_id, a.role, a.clerk_rank, a.post, a.scope, a.from_at, a.to_at
from appointment a
where a.unit_id = :unit_id and a.person_id > :after and a.person_id <= :through and (a.to_at is null or a.to_at > :now)
order by a.person_id, a.id;

-- name: people_places
select p.code, a.unit_id
from person p left join appointment a on a.person_id = p.id and (a.to_at is null or a.to_at > :now)
where p.code in (select value from json_each(:codes));
