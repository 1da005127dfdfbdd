-- What charging goes by, beside the organisation: one row, whatever was recorded.
-- name: charging_version
select r.version, o.version from charge_rules r cross join org_version o;

-- name: tariffs
select from_at, to_at, price_li, per, basis, recorded_at from tariff order by from_at;

-- name: tariff_add
insert into tariff (from_at, to_at, from_month, price_li, per, basis, recorded_at)
values (:from_at, :to_at, :from_month, :price_li, :per, :basis, :recorded_at);

-- name: tariff_drop
delete from tariff where from_at = :from_at;

-- name: use_policies
select from_year, whose, basis, recorded_at from use_policy order by from_year;

-- name: use_policy_add
insert into use_policy (from_year, whose, basis, recorded_at) values (:from_year, :whose, :basis, :recorded_at);

-- name: use_policy_drop
delete from use_policy where from_year = :from_year;

-- name: paying_regions
select unit_id, from_at, region_id, basis, recorded_at from paying_region order by unit_id, from_at;

-- name: paying_region_add
insert into paying_region (unit_id, from_at, from_month, region_id, basis, recorded_at)
values (:unit_id, :from_at, :from_month, :region_id, :basis, :recorded_at);

-- name: paying_region_drop
delete from paying_region where unit_id = :unit_id and from_at = :from_at;

-- Whether a month from this one on is closed, or a line stands that was accepted since; of one unit, or of any (0).
-- name: charged_since
select exists (select 1 from charge_month m where m.month >= :month),
    exists (select 1 from charge_line l where l.month >= :month and l.accepted_at >= :at
            and (:unit_id = 0 or l.unit_id = :unit_id or l.to_unit_id = :unit_id));

-- name: charged_last_month
select coalesce(max(month), 0) from (select max(month) as month from charge_month union all select max(month) from charge_sum);

-- name: charge_city
select id from region where level = 'city' order by id limit 1;

-- name: charge_region_levels
select id, level from region;

-- Where units and regions lay, once any of them has moved.
-- name: charge_links
select kind, child_id, parent_id, from_at, to_at from org_link
where kind in ('region_region', 'unit_region')
  and exists (select 1 from org_link m where m.to_at is not null and m.kind in ('region_region', 'unit_region'));
