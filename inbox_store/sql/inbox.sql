-- name: inbox_counts_cold
select folder, total, pending from inbox_count where person_id = :person_id;

-- "cross join" keeps the order as written, small side first: SQLite would otherwise read the whole hot table, or the whole
-- inbox of a person, to look up the few sends in question.
-- name: inbox_counts_hot
select h.folder, count(*), sum(case when h.state in ('to_do', 'to_read') then 1 else 0 end)
from hot_send s cross join inbox_hot h where h.send_no = s.send_no and h.person_id = :person_id group by h.folder;

-- name: entry_page
select e.send_no, e.commit_no, e.folder, e.state, e.delivered_at, e.opened_at, e.done_at, d.id, d.title, d.kind, d.urgency, d.doc_no,
    d.sender_unit_id, d.recalled_at, p.id, d.is_test
from (
    select send_no, commit_no, folder, state, delivered_at, opened_at, done_at from (
        select i.send_no, i.commit_no, i.folder, i.state, i.delivered_at, i.opened_at, i.done_at from inbox i
        where i.person_id = :person_id and i.send_no < :before and (:folder = '' or i.folder = :folder) and (:state = '' or i.state = :state)
        order by i.send_no desc limit :limit)
    union all
    select h.send_no, h.commit_no, h.folder, h.state, h.delivered_at, h.opened_at, h.done_at
    from hot_send s cross join inbox_hot h
    where h.send_no = s.send_no and h.person_id = :person_id and h.send_no < :before and (:folder = '' or h.folder = :folder) and (:state = '' or h.state = :state)
) e
join dispatch p on p.send_no = e.send_no join document d on d.id = p.document_id
order by e.send_no desc limit :limit;

-- name: entry_find
select e.send_no, e.commit_no, e.folder, e.state, e.delivered_at, e.opened_at, e.done_at, d.id, d.title, d.kind, d.urgency, d.doc_no,
    d.sender_unit_id, d.recalled_at, p.id, d.is_test
from (
    select send_no, commit_no, folder, state, delivered_at, opened_at, done_at from inbox where person_id = :person_id
    union all
    select h.send_no, h.commit_no, h.folder, h.state, h.delivered_at, h.opened_at, h.done_at
    from hot_send s cross join inbox_hot h where h.send_no = s.send_no and h.person_id = :person_id
) e
join dispatch p on p.send_no = e.send_no join document d on d.id = p.document_id
where e.send_no < :before and (:folder = '' or e.folder = :folder) and (:state = '' or e.state = :state)
  and (:sender_unit_id = 0 or d.sender_unit_id = :sender_unit_id)
  and p.submitted_at >= :from_at and p.submitted_at < :to_at
  and (:text = 0 or (
    select count(*) from document_gram g where g.document_id = d.id and g.gram in (select value from json_each(:grams))
  ) = json_array_length(:grams))
order by e.send_no desc limit :limit;

-- name: entry_hot
select h.send_no, h.commit_no, h.folder, h.state, h.opened_at from dispatch p
cross join inbox_hot h where p.document_id = :document_id and h.send_no = p.send_no and h.person_id = :person_id;

-- name: entry_cold
select c.send_no, c.commit_no, c.folder, c.state, c.opened_at from dispatch p
cross join inbox c where p.document_id = :document_id and c.person_id = :person_id and c.send_no = p.send_no;

-- name: entry_hot_set
update inbox_hot set state = :state, opened_at = coalesce(opened_at, :opened_at),
    done_at = case when :state in ('to_do', 'to_read') then null else coalesce(:done_at, done_at) end
where send_no = :send_no and person_id = :person_id;

-- name: entry_cold_set
update inbox set state = :state, opened_at = coalesce(opened_at, :opened_at),
    done_at = case when :state in ('to_do', 'to_read') then null else coalesce(:done_at, done_at) end
where person_id = :person_id and send_no = :send_no;

-- name: entry_cold_add
insert into inbox (person_id, send_no, commit_no, folder, state) values (:person_id, :send_no, :commit_no, :folder, :state);

-- name: inbox_count_add
insert into inbox_count (person_id, folder, total, pending) values (:person_id, :folder, :total, :pending)
on conflict (person_id, folder) do update set total = inbox_count.total + excluded.total, pending = inbox_count.pending + excluded.pending;

-- name: position
select coalesce(max(commit_no), 0) from commit_log;

-- name: send_floor
select coalesce(min(send_no), 9000000000000000000) from send_commit where commit_no > :after;

-- name: since_arrived_cold
select commit_no, send_no, folder, state from inbox
where person_id = :person_id and send_no >= :floor and commit_no > :after;

-- name: since_arrived_hot
select h.commit_no, h.send_no, h.folder, h.state from hot_send s
cross join inbox_hot h where h.send_no = s.send_no and h.person_id = :person_id and h.commit_no > :after;

-- name: since_changed
select commit_no, send_no from entry_change where person_id = :person_id and commit_no > :after;

-- name: items_of
select p.send_no, d.id, d.title, d.urgency, d.kind, d.sender_unit_id, p.submitted_at, d.recalled_at
from dispatch p join document d on d.id = p.document_id
where p.send_no in (select value from json_each(:sends));

-- name: copies_of_person
select p.send_no, v.unit_id, v.state, v.sign_due_at,
    s.name || coalesce('（代' || (select f.name from person f where f.id = v.signed_for) || '）', ''), v.sent_at from dispatch p
cross join appointment a cross join distribution v
left join person s on s.id = v.signed_by
where p.send_no in (select value from json_each(:sends)) and a.person_id = :person_id
  and a.from_at <= :now and (a.to_at is null or a.to_at > :now)
  and v.document_id = p.document_id and v.unit_id = a.unit_id;

-- name: entries_of_sends
select h.commit_no, h.folder, h.state from inbox_hot h
where h.send_no = :send_no and h.person_id = :person_id
union all
select c.commit_no, c.folder, c.state from inbox c
where c.person_id = :person_id and c.send_no = :send_no;

-- name: arrivals_online
select h.person_id, h.folder, h.state from json_each(:online) o
cross join inbox_hot h where h.send_no = :send_no and h.person_id = o.value and h.commit_no = :commit_no
union all
select c.person_id, c.folder, c.state from json_each(:online) o
cross join inbox c where c.person_id = o.value and c.send_no = :send_no and c.commit_no = :commit_no;

-- name: deliver_hot
update inbox_hot set delivered_at = :now
where send_no = :send_no and person_id = :person_id and commit_no > :after and commit_no <= :to and delivered_at is null;

-- name: sends_between
select distinct send_no from send_commit where commit_no > :after and commit_no <= :to;

-- name: hot_sends
select send_no from hot_send;

-- name: deliver_cold
update inbox set delivered_at = :now
where person_id = :person_id and send_no >= :floor and commit_no > :after and commit_no <= :to and delivered_at is null;

-- name: deliver_given
update inbox set delivered_at = :now
where person_id = :person_id and send_no in (select c.send_no from entry_change c where c.person_id = :person_id and c.commit_no > :after)
  and commit_no > :after and commit_no <= :to and delivered_at is null;

-- name: merge_sends
select s.send_no, s.merged_to from hot_send s join dispatch p on p.send_no = s.send_no
where p.state = 'sent' order by s.send_no;

-- name: merge_count
select count(*) from hot_send;

-- name: merge_bound
select max(person_id), count(*) from (
    select person_id from inbox_hot where send_no = :send_no and person_id > :after order by person_id limit :limit);

-- name: merge_move
insert into inbox (person_id, send_no, commit_no, folder, state, delivered_at, opened_at, done_at)
select person_id, send_no, commit_no, folder, state, delivered_at, opened_at, done_at from inbox_hot
where send_no in (select value from json_each(:sends)) and person_id > :after and person_id <= :to order by person_id, send_no;

-- name: merge_counts
insert into inbox_count (person_id, folder, total, pending)
select person_id, folder, count(*), sum(case when state in ('to_do', 'to_read') then 1 else 0 end) from inbox_hot
where send_no in (select value from json_each(:sends)) and person_id > :after and person_id <= :to group by person_id, folder
on conflict (person_id, folder) do update set total = inbox_count.total + excluded.total, pending = inbox_count.pending + excluded.pending;

-- name: merge_delete
delete from inbox_hot where send_no in (select value from json_each(:sends)) and person_id > :after and person_id <= :to;

-- name: merge_mark
update hot_send set merged_to = :to where send_no in (select value from json_each(:sends));

-- name: merge_done
delete from hot_send where send_no in (select value from json_each(:sends));

-- name: peak_keep
insert into online_peak (day, bin, peak) values (:day, :bin, :peak)
on conflict (day, bin) do update set peak = max(online_peak.peak, excluded.peak);

-- name: peaks
select day, max(peak) from online_peak where day >= :from_day and day <= :to_day group by day order by day;

-- name: arrivals_due
select min(v.sign_due_at) from distribution v join dispatch p on p.document_id = v.document_id and p.id = v.dispatch_id
where p.send_no = :send_no;
