-- name: notice_add
insert into notice (person_id, kind, about_id, text, created_at) values (:person_id, :kind, :about_id, :text, :now) returning id;

-- name: notice_about
select name from person where id = :person_id;

-- The clerks of every unit in which the person can be addressed, each once, and not the person's own self.
-- name: notice_clerks
select distinct c.person_id from addressee m cross join addressee c on c.unit_id = m.unit_id and c.is_clerk = 1
where m.person_id = :person_id and c.person_id <> :person_id order by c.person_id;

-- name: notices_unread
select id, kind, about_id, text, created_at from notice where person_id = :person_id and read_at is null order by id limit :limit;

-- name: notices_told
select n.person_id, n.id, n.kind, n.about_id, n.text, n.created_at from json_each(:ids) w cross join notice n
where n.id = w.value and n.read_at is null order by n.id;

-- name: notice_of
select 1 from notice where id = :id and person_id = :person_id;

-- name: notice_read
update notice set read_at = :now where id = :id and person_id = :person_id and read_at is null;

-- name: notices_settled
update notice set read_at = :now where about_id = :about_id and read_at is null and kind in ('phone_bad', 'phone_bad_of');
