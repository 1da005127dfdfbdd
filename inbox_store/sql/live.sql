-- What live sessions ask for, many at once: pairs and people come as JSON, small side first ("cross join" keeps the order).

-- name: live_entries
select h.person_id, h.send_no, h.commit_no, h.folder, h.state from json_each(:pairs) w
cross join inbox_hot h where h.send_no = json_extract(w.value, '$[1]') and h.person_id = json_extract(w.value, '$[0]')
union all
select c.person_id, c.send_no, c.commit_no, c.folder, c.state from json_each(:pairs) w
cross join inbox c where c.person_id = json_extract(w.value, '$[0]') and c.send_no = json_extract(w.value, '$[1]');

-- name: live_copies
select a.person_id, p.send_no, v.unit_id, v.state, v.sign_due_at,
    s.name || coalesce('（代' || (select f.name from person f where f.id = v.signed_for) || '）', ''), v.sent_at from json_each(:pairs) w
cross join dispatch p cross join appointment a cross join distribution v
left join person s on s.id = v.signed_by
where p.send_no = json_extract(w.value, '$[1]') and a.person_id = json_extract(w.value, '$[0]')
  and a.from_at <= :now and (a.to_at is null or a.to_at > :now)
  and v.document_id = p.document_id and v.unit_id = a.unit_id;

-- name: live_counts_cold
select c.person_id, c.folder, c.total, c.pending from json_each(:people) o cross join inbox_count c where c.person_id = o.value;

-- name: live_counts_hot
select h.person_id, h.folder, count(*), sum(case when h.state in ('to_do', 'to_read') then 1 else 0 end)
from json_each(:people) o cross join hot_send s cross join inbox_hot h
where h.send_no = s.send_no and h.person_id = o.value group by h.person_id, h.folder;

-- name: live_standings
select w.key, a.state, a.frozen_from, a.closed_from, a.token_epoch,
       (select s.ends_at from login_session s where s.id = json_extract(w.value, '$[1]') and s.account_id = a.id and s.ended_at is null),
       exists (select 1 from spent_token t where t.jti = json_extract(w.value, '$[2]'))
from json_each(:asked) w cross join account a where a.id = json_extract(w.value, '$[0]');
