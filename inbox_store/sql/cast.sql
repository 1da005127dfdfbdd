-- name: cast_clerks
select u.id, u.code, u.name, p.id, p.name, c.id, c.token_epoch
from unit u
join appointment a on a.unit_id = u.id and a.role = 'clerk' and a.clerk_rank = :clerk_rank
join person p on p.id = a.person_id
join account c on c.person_id = p.id
where a.from_at <= :now and (a.to_at is null or a.to_at > :now)
order by u.id;

-- name: cast_by_role
select u.id, u.code, u.name, p.id, p.name, c.id, c.token_epoch
from appointment a join unit u on u.id = a.unit_id
join person p on p.id = a.person_id
join account c on c.person_id = p.id
where a.role = :role and a.scope = :scope and a.from_at <= :now and (a.to_at is null or a.to_at > :now)
order by u.id, p.id;
