-- name: request_add
insert into request (kind, person_id, unit_id, text, from_at, to_at, sms, state, leader_id, passes_at, created_at)
values (:kind, :person_id, :unit_id, :text, :from_at, :to_at, :sms, 'open', :leader_id, :passes_at, :now) returning id;

-- name: request_step_add
insert into request_step (request_id, no, at, act, by_person, for_person, to_person, text)
select :id, coalesce(max(s.no), 0) + 1, :now, :act, :by_person, :for_person, :to_person, :text from request_step s where s.request_id = :id;

-- name: request_one
select r.id, r.kind, r.person_id, p.name, r.unit_id, r.text, r.from_at, r.to_at, r.sms, r.state, r.leader_id, l.name, r.passes_at, r.created_at,
    r.decided_by, coalesce(d.name, ''), r.decided_at
from request r join person p on p.id = r.person_id join person l on l.id = r.leader_id left join person d on d.id = r.decided_by
where r.id = :id;

-- name: request_asked
update request set state = 'asked', passes_at = null where id = :id;

-- name: request_reopen
update request set state = 'open', passes_at = :passes_at where id = :id;

-- name: request_decide
update request set state = :state, passes_at = null, decided_by = :actor, decided_at = :now where id = :id;

-- name: request_pass
update request set leader_id = :leader_id, passes_at = :passes_at, hop = hop + 1 where id = :id;

-- name: requests_due_any
select exists (select 1 from request where passes_at is not null and passes_at <= :now);

-- name: requests_due
select id from request where passes_at is not null and passes_at <= :now order by passes_at limit :limit;

-- To whom it was put, whether the person is an agent of one of them now (for whom), and whether the person stands in for the applicant.
-- name: request_may
select
    exists (select 1 from request_step s where s.request_id = :id and s.act in ('filed', 'passed') and s.to_person = :person_id),
    (select min(g.person_id) from request r cross join request_step s on s.request_id = r.id and s.act in ('filed', 'passed')
        cross join delegation g on g.person_id = s.to_person and g.unit_id = r.unit_id
     where r.id = :id and g.agent_id = :person_id and g.from_at <= :now and g.to_at > :now),
    exists (select 1 from delegation g where g.person_id = :applicant_id and g.agent_id = :person_id and g.from_at <= :now and g.to_at > :now);

-- name: request_put_to
select distinct to_person from request_step where request_id = :id and act in ('filed', 'passed');

-- name: request_steps
select s.no, s.at, s.act, coalesce(b.name, ''), coalesce(f.name, ''), t.name, s.text
from request_step s left join person b on b.id = s.by_person left join person f on f.id = s.for_person join person t on t.id = s.to_person
where s.request_id = :id order by s.no;

-- name: delegation_absent
select distinct person_id from delegation where agent_id = :person_id and from_at <= :now and to_at > :now;

-- name: requests_mine
select r.id, r.kind, r.person_id, p.name, r.unit_id, r.text, r.from_at, r.to_at, r.sms, r.state, r.leader_id, l.name, r.passes_at, r.created_at,
    r.decided_by, coalesce(d.name, ''), r.decided_at
from request r join person p on p.id = r.person_id join person l on l.id = r.leader_id left join person d on d.id = r.decided_by
where r.person_id = :person_id and r.id < :before and (:state = '' or r.state = :state) order by r.id desc limit :limit;

-- name: requests_put
select r.id, r.kind, r.person_id, p.name, r.unit_id, r.text, r.from_at, r.to_at, r.sms, r.state, r.leader_id, l.name, r.passes_at, r.created_at,
    r.decided_by, coalesce(d.name, ''), r.decided_at
from request r join person p on p.id = r.person_id join person l on l.id = r.leader_id left join person d on d.id = r.decided_by
where r.id < :before and (:state = '' or r.state = :state) and r.person_id <> :person_id and r.id in (
    select s.request_id from json_each(:whose) w cross join request_step s on s.to_person = w.value and s.act in ('filed', 'passed'))
order by r.id desc limit :limit;
