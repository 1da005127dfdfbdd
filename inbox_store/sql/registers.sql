-- name: scope_save
insert into saved_scope (unit_id, name, scope, created_by, created_at) values (:unit_id, :name, :scope, :created_by, :created_at)
on conflict (unit_id, name) do update set scope = excluded.scope returning id;

-- name: scopes_of
select id, unit_id, name, scope, created_at from saved_scope where unit_id in (select value from json_each(:units)) order by name;

-- name: scope_one
select id, unit_id, name, scope, created_at from saved_scope where id = :id;

-- name: scope_drop
delete from saved_scope where id = :id;

-- name: exemption_add
insert into exemption (kind, basis, from_day, to_day, created_by, created_at) values (:kind, :basis, :from_day, :to_day, :created_by, :created_at)
returning id;

-- name: exemptions_all
select id, kind, basis, from_day, to_day from exemption order by id;

-- name: series_add
insert into brief_series (unit_id, name, from_day, to_day, created_by, created_at) values (:unit_id, :name, :from_day, :to_day, :created_by, :created_at)
on conflict (unit_id, name) do update set from_day = excluded.from_day, to_day = excluded.to_day returning id;

-- name: series_all
select id, unit_id, name, from_day, to_day from brief_series order by unit_id, name;
