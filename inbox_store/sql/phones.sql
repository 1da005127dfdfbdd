-- Whoever can be addressed in one of the units and whose number needs a look; whether it was ported, only its opening tells.
-- The plus keeps the planner from trying every unit of a city for each person: a person has one or two.
-- name: phones_page
select p.id, p.code, p.name, p.phone_sealed, p.phone_key, s.route, coalesce(s.failures, 0), s.bad_at, s.failed_at, coalesce(s.error, ''),
    coalesce(s.refused, '')
from person p
left join phone_state s on s.person_id = p.id
where p.id > :after and (p.phone_sealed is null or s.bad_at is not null or s.refused <> '' or s.route is not null)
    and exists (select 1 from addressee x where x.person_id = p.id and +x.unit_id in (select value from json_each(:units)))
order by p.id limit :limit;

-- name: phones_units
select w.value, x.unit_id from json_each(:people) w cross join addressee x
where x.person_id = w.value and +x.unit_id in (select value from json_each(:units)) order by w.value, x.unit_id;

-- name: phone_places
select x.unit_id from addressee x where x.person_id = :person_id order by x.unit_id;

-- name: phone_clear
update phone_state set failures = 0, bad_at = null, failed_at = null, error = '', told_at = null
where person_id = :person_id and (bad_at is not null or failures > 0);

-- name: phone_error_keep
update phone_state set failed_at = :now, error = :error where person_id = :person_id;

-- A marking nobody was told of yet.
-- name: phone_tell
update phone_state set told_at = :now where person_id = :person_id and bad_at is not null and told_at is null;

-- Numbers are [person code, look-up of the number in hex]: whose is another than before.
-- name: phones_changed
select p.id from json_each(:numbers) w cross join person p on p.code = w.value ->> 0
where hex(coalesce(p.phone_lookup, x'')) <> w.value ->> 1;

-- What the person refused stays: it was said by the person, not by the number.
-- name: phone_anew
update phone_state set route = null, failures = 0, bad_at = null, failed_at = null, error = '', told_at = null where person_id = :person_id;

-- name: phone_orders_anew
update sms_order set route = null where person_id = :person_id and state = 'waiting';
