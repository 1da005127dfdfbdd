-- name: work_put
insert into work (lane, kind, key, payload, due_at) values (:lane, :kind, :key, :payload, :due_at)
on conflict (key) do update set due_at = min(work.due_at, excluded.due_at);

-- name: work_due
select id, kind, key, payload, fence, attempts from work
where lane <= :lane_max and due_at <= :now and (lease_until is null or lease_until < :now or lease_until > :lease_max)
order by lane, due_at, id limit :limit;

-- name: work_claim
update work set lease_until = :lease_until, fence = fence + 1, attempts = attempts + 1
where id = :id and fence = :fence returning fence;

-- name: work_done
delete from work where id = :id and fence = :fence;

-- name: work_again
update work set due_at = :due_at, lease_until = null, payload = :payload where id = :id and fence = :fence;

-- name: work_waiting
select kind, count(*), min(due_at) from work group by kind order by kind;
