-- name: logins_by_day
select (l.at + 28800000000) / 86400000000, count(*), count(distinct l.account_id)
from login l
where l.interactive = 1 and l.at >= :from_at and l.at < :to_at
  and (:everyone = 1 or exists (
      select 1 from account c join appointment a on a.person_id = c.person_id
      where c.id = l.account_id and a.from_at <= l.at and (a.to_at is null or a.to_at > l.at)
        and a.unit_id in (select value from json_each(:units))))
group by 1 order by 1;

-- name: audit_page_within
select commit_no, no, at, actor, action, subject, origin, detail from audit
where (commit_no < :before_commit or (commit_no = :before_commit and no < :before_no))
  and (:subject = '' or subject = :subject) and (:actor = 0 or actor = :actor) and (:action = '' or action = :action)
  and at >= :from_at and at < :to_at
  and (actor in (select a.person_id from appointment a where a.unit_id in (select value from json_each(:units)))
       or subject in (select 'unit:' || value from json_each(:units)))
order by commit_no desc, no desc limit :limit;
