-- name: reach_page
select p.id, p.code, p.name, p.phone_sealed is null, s.bad_at is not null,
    not exists (select 1 from device d where d.person_id = p.id and d.gone_at is null),
    not exists (select 1 from login l where l.account_id = c.id),
    exists (select 1 from addressee x where x.person_id = p.id and x.is_clerk = 1 and +x.unit_id in (select value from json_each(:units)))
from person p
join account c on c.person_id = p.id
left join phone_state s on s.person_id = p.id
where p.id > :after
  and exists (select 1 from addressee x where x.person_id = p.id and +x.unit_id in (select value from json_each(:units)))
  and case :gap
        when 'no_number' then p.phone_sealed is null
        when 'bad_number' then s.bad_at is not null
        when 'no_device' then not exists (select 1 from device d where d.person_id = p.id and d.gone_at is null)
        when 'never_logged_in' then not exists (select 1 from login l where l.account_id = c.id)
        else p.phone_sealed is null or s.bad_at is not null
            or not exists (select 1 from device d where d.person_id = p.id and d.gone_at is null)
            or not exists (select 1 from login l where l.account_id = c.id) end
order by p.id limit :limit;

-- name: reach_sums
select count(*), sum(no_number), sum(bad_number), sum(no_device), sum(no_login),
    sum((no_number or bad_number) and no_device)
from (
    select p.phone_sealed is null as no_number, s.bad_at is not null as bad_number,
        not exists (select 1 from device d where d.person_id = p.id and d.gone_at is null) as no_device,
        not exists (select 1 from login l where l.account_id = c.id) as no_login
    from (select distinct x.person_id from json_each(:units) w cross join addressee x on x.unit_id = w.value) r
    cross join person p on p.id = r.person_id
    join account c on c.person_id = p.id
    left join phone_state s on s.person_id = p.id);
