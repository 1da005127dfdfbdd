-- name: alert_add
insert into alert (kind, round, document_id, dispatch_id, unit_id, text, segments, urgency, priority, expires_at, policy, created_by, created_at)
values (:kind, :round, :document_id, :dispatch_id, :unit_id, :text, :segments, :urgency, :priority, :expires_at, :policy, :created_by, :created_at)
returning id;

-- Of a chunk of a dispatch's audience: whoever is addressed and has a number, once.
-- name: sms_order_chunk
insert into sms_order (alert_id, person_id, unit_id, route, priority, state, due_at, expires_at, segments, until_opened)
select t.id, x.person_id, min(a.unit_id), s.route, t.priority, 'waiting', :due_at, t.expires_at, t.segments, :until_opened
from alert t
cross join dispatch p on p.id = t.dispatch_id
cross join audience a on a.dispatch_id = p.id and a.unit_id > :after and a.unit_id <= :to
cross join addressee x on x.unit_id = a.unit_id
cross join person q on q.id = x.person_id and q.phone_sealed is not null
left join phone_state s on s.person_id = x.person_id
where t.id = :alert_id and (p.reach = 'everyone' or x.is_clerk = 1 or (x.leader_mask & p.leader_mask) <> 0)
group by x.person_id
on conflict (alert_id, person_id) do nothing;

-- name: sms_unrouted
select distinct o.person_id, p.phone_sealed, p.phone_key from sms_order o cross join person p on p.id = o.person_id
where o.state = 'waiting' and o.route is null and p.phone_sealed is not null limit :limit;

-- name: sms_order_route
update sms_order set route = :route where person_id = :person_id and state = 'waiting' and route is null;

-- name: sms_due
select o.id, o.alert_id, t.kind, t.round, t.document_id, t.unit_id, tc.county_id, t.urgency, t.text, coalesce(d.is_test, 0),
    d.recalled_at is not null, t.created_at, o.person_id, o.unit_id, oc.county_id,
    coalesce((select w.on_or_off = 'off' from sms_switch w
              where w.county_id = oc.county_id and w.approved = 1 and w.from_at <= :leaves_by order by w.from_at desc, w.id desc limit 1), 0),
    coalesce((select w.on_or_off = 'off' from sms_switch w
              where w.county_id = tc.county_id and w.approved = 1 and w.from_at <= :leaves_by order by w.from_at desc, w.id desc limit 1), 0),
    p.phone_sealed, p.phone_key, o.route, s.bad_at is not null, coalesce(s.refused, ''), o.priority, o.due_at, o.expires_at, o.segments,
    o.tries, coalesce(sp.n, 0), coalesce(su.n, 0), o.until_opened,
    o.until_opened and exists (select 1 from dispatch y
        left join inbox_hot h on h.send_no = y.send_no and h.person_id = o.person_id
        left join inbox i on i.person_id = o.person_id and i.send_no = y.send_no
        where y.id = t.dispatch_id and coalesce(h.opened_at, i.opened_at, h.done_at, i.done_at) is not null),
    coalesce(f.sms_ordinary, 1),
    t.kind = 'urge' and exists (select 1 from urge u cross join distribution v on v.document_id = u.document_id and v.unit_id = u.unit_id
        where u.alert_id = t.id and (v.round <> u.copy_round or case u.duty
            when 'sign' then v.state <> 'unsigned'
            when 'handle' then v.state not in ('unsigned', 'signed', 'handling')
            else v.state in ('returned', 'recalled')
                or exists (select 1 from meeting_receipt r where r.document_id = u.document_id and r.unit_id = u.unit_id) end))
from sms_order o
cross join alert t on t.id = o.alert_id
cross join person p on p.id = o.person_id
left join document d on d.id = t.document_id
left join unit_county oc on oc.unit_id = o.unit_id
left join unit_county tc on tc.unit_id = t.unit_id
left join phone_state s on s.person_id = o.person_id
left join preference f on f.person_id = o.person_id
left join sms_sent sp on sp.day = :day and sp.who = 'person' and sp.id = o.person_id
left join sms_sent su on su.day = :day and su.who = 'unit' and su.id = t.unit_id
where o.state = 'waiting' and o.route = :route and o.priority = :priority and o.due_at <= :now
order by o.due_at, o.id limit :limit;

-- name: sms_attempt_next
select coalesce(max(id), 0) + 1 from sms_attempt;

-- name: sms_attempt_add
insert into sms_attempt (id, order_id, segment_no, acceptance_no, channel, source, state, sent_at, message_id, overridden, phone_lookup)
values (:id, :order_id, :segment_no,
    case when :again = 0 then 1 else (select count(*) + 1 from sms_attempt a
        where a.order_id = :order_id and a.segment_no = :segment_no and a.state in ('accepted', 'in_doubt')) end,
    :channel, :source, 'sending', :sent_at, :message_id, :overridden,
    (select p.phone_lookup from sms_order o cross join person p on p.id = o.person_id where o.id = :order_id));

-- name: sms_waiting
select exists (select 1 from sms_order where state = 'waiting' and route = :route and priority in (0, 1, 2, 3) and due_at <= :now);

-- name: sms_channel_today
select coalesce((select segments from sms_channel_day where day = :day and channel = :channel), 0);

-- name: sms_channel_add
insert into sms_channel_day (day, channel, segments) values (:day, :channel, :segments)
on conflict (day, channel) do update set segments = sms_channel_day.segments + excluded.segments;

-- name: sms_order_sending
update sms_order set state = 'sending', tries = tries + 1, reason = null where id = :id;

-- name: sms_order_wait
update sms_order set due_at = :due_at, reason = :reason where id = :id;

-- name: sms_order_stop
update sms_order set state = :state, reason = :reason, settled_at = :now where id = :id;

-- name: sms_sent_add
insert into sms_sent (day, who, id, n) values (:day, :who, :id, :n) on conflict (day, who, id) do update set n = sms_sent.n + excluded.n;

-- name: sms_attempts_lost
update sms_attempt set state = 'in_doubt', answered_at = :now where state = 'sending' returning id, channel;

-- name: sms_attempt_answer
update sms_attempt set state = :outcome, code = :code, message_id = coalesce(nullif(:message_id, ''), message_id), answered_at = :at
where id = :attempt_id and state in ('sending', 'in_doubt');

-- A number that was changed since is not the one it was sent to: the line then shows none.
-- name: sms_accepted
select a.id, a.order_id, a.segment_no, a.acceptance_no, a.channel, coalesce(a.message_id, ''), a.answered_at, o.alert_id, t.kind, t.round,
    t.document_id, coalesce(d.is_test, 0), t.unit_id, tc.county_id, o.person_id, o.unit_id, oc.county_id,
    case when coalesce(a.phone_lookup, p.phone_lookup) = p.phone_lookup then p.phone_sealed end,
    case when coalesce(a.phone_lookup, p.phone_lookup) = p.phone_lookup then p.phone_key end, o.segments, a.overridden
from json_each(:attempts) j
cross join sms_attempt a on a.id = j.value
cross join sms_order o on o.id = a.order_id
cross join alert t on t.id = o.alert_id
cross join person p on p.id = o.person_id
left join document d on d.id = t.document_id
left join unit_county oc on oc.unit_id = o.unit_id
left join unit_county tc on tc.unit_id = t.unit_id
where a.state = 'accepted'
  and not exists (select 1 from charge_line c where c.of_commit is null and c.alert_id = o.alert_id and c.person_id = o.person_id
                  and c.round = t.round and c.segment_no = a.segment_no and c.acceptance_no = a.acceptance_no)
order by j.key;

-- name: charge_sum_add
insert into charge_sum (month, payer_id, unit_id, region_id, to_region_id, alert_kind, purpose, kind, price_li, messages, segments, amount_li)
values (:month, :payer_id, :unit_id, :region_id, :to_region_id, :alert_kind, :purpose, :kind, :price_li, :messages, :segments, :amount_li)
on conflict (month, payer_id, unit_id, region_id, to_region_id, alert_kind, purpose, kind, price_li) do update
set messages = charge_sum.messages + excluded.messages, segments = charge_sum.segments + excluded.segments,
    amount_li = charge_sum.amount_li + excluded.amount_li;

-- Reports that came before the answer, for the attempts just accepted.
-- name: sms_reports_early
select a.id, o.person_id, r.id, r.state, r.stat, r.error, r.done_at, r.received_at, r.permanent
from json_each(:attempts) j
cross join sms_attempt a on a.id = j.value
cross join sms_order o on o.id = a.order_id
cross join sms_report r on r.channel = a.channel and r.message_id = a.message_id
order by r.id;

-- name: sms_report_taken
delete from sms_report where id = :id;

-- Reports are [channel, message id, look-up of the number]; the first column is the place among them.
-- name: sms_report_find
select j.key, a.id, o.person_id, a.state
from json_each(:reports) j
cross join sms_attempt a on a.channel = j.value ->> 0 and a.message_id = j.value ->> 1
cross join sms_order o on o.id = a.order_id
where hex(a.phone_lookup) = j.value ->> 2 or j.value ->> 2 = '';

-- name: sms_report_keep
insert into sms_report (channel, message_id, phone_lookup, state, stat, error, done_at, received_at, permanent)
values (:channel, :message_id, :phone_lookup, :state, :stat, :error, :done_at, :at, :permanent)
on conflict (channel, message_id, stat, phone_lookup) do nothing;

-- What is final stays; an intermediate report gives way to any other. Tells whether it is still the person's number.
-- name: sms_attempt_report
update sms_attempt set report = :state, stat = :stat, error = :error, done_at = :done_at, reported_at = :at,
    state = 'accepted', answered_at = coalesce(answered_at, :at)
where id = :attempt_id and coalesce(report, '') <> :state
    and (report is null or report = 'waiting' or (report = 'unreported' and :state <> 'waiting'));

-- name: phone_reached
update phone_state set failures = 0 where person_id = :person_id and failures > 0 and bad_at is null;

-- name: phone_failed
insert into phone_state (person_id, failures) values (:person_id, 1)
on conflict (person_id) do update set failures = phone_state.failures + 1,
    bad_at = case when phone_state.bad_at is null and phone_state.failures + 1 >= :bad_from then :now else phone_state.bad_at end;

-- Each segment's last attempt decides where its order stands.
-- name: sms_orders_step
update sms_order as o set
    state = n.state,
    due_at = case when n.state = 'waiting' then max(o.due_at, :again_at) else o.due_at end,
    reason = coalesce(n.reason, o.reason),
    settled_at = case when n.state = 'waiting' then null else :now end
from (
    select l.order_id,
        case
            when sum(l.state = 'sending') > 0 then 'sending'
            when sum(l.state = 'refused') > 0 then 'failed'
            when sum(l.report = 'failed') > 0 then 'failed'
            when sum(l.state = 'in_doubt') > 0 then 'in_doubt'
            when sum(l.state = 'returned') > 0 then 'waiting'
            when sum(l.report = 'delivered') = count(*) then 'delivered'
            when sum(l.report = 'unreported') > 0 then 'unreported'
            else 'accepted'
        end as state,
        max(case when l.state = 'refused' then l.code when l.report = 'failed' then l.stat end) as reason
    from (
        select a.order_id, a.state, a.code, a.report, a.stat
        from (select distinct a0.order_id from json_each(:attempts) j cross join sms_attempt a0 on a0.id = j.value) w
        cross join sms_attempt a on a.order_id = w.order_id
        where a.id = (select max(b.id) from sms_attempt b where b.order_id = a.order_id and b.segment_no = a.segment_no)) l
    group by l.order_id) n
where o.id = n.order_id and o.state in ('sending', 'accepted', 'in_doubt', 'unreported', 'waiting') and o.state <> n.state;

-- An intermediate report is no outcome either.
-- name: sms_unreported
update sms_attempt set report = 'unreported', reported_at = :now where id in (
    select a.id from sms_attempt a where a.state = 'accepted' and a.report is null and a.answered_at <= :before
    union all
    select a.id from sms_attempt a where a.state = 'accepted' and a.report = 'waiting' and a.answered_at <= :before limit :limit)
returning id;

-- name: sms_order_attempts
select segment_no, state, channel from sms_attempt where order_id = :order_id;

-- name: sms_order_reroute
update sms_order set route = :route where id = (select order_id from sms_attempt where id = :attempt_id);

-- name: phone_route_learn
insert into phone_state (person_id, route)
select o.person_id, :route from sms_attempt a cross join sms_order o on o.id = a.order_id where a.id = :attempt_id
on conflict (person_id) do update set route = excluded.route;

-- Reports kept without an attempt, beside the attempts in doubt that they can only be of: all that are in doubt for the number
-- are of one order, and nothing to it is still under way.
-- name: sms_doubts_reported
select a.id, r.message_id
from sms_attempt a
cross join sms_order o on o.id = a.order_id
cross join sms_report r on r.channel = a.channel and r.phone_lookup = a.phone_lookup
where a.state = 'in_doubt' and a.message_id is null
  and r.received_at <= :before and r.received_at >= a.sent_at and r.received_at <= a.sent_at + :span
  and not exists (
    select 1 from sms_order o2 cross join sms_attempt a2 on a2.order_id = o2.id
    where o2.person_id = o.person_id and a2.channel = a.channel
      and ((a2.state = 'in_doubt' and a2.message_id is null and a2.order_id <> a.order_id) or a2.state = 'sending'))
order by r.id, a.segment_no, a.id limit :limit;

-- name: sms_attempt_named
update sms_attempt set message_id = :message_id where id = :attempt_id;

-- name: alert_of_dispatch
select id from alert where dispatch_id = :dispatch_id and kind = :kind and round = :round;

-- name: sms_figures
select state, count(*), sum(segments) from sms_order where alert_id = :alert_id group by state;

-- name: sms_expire
update sms_order set state = 'expired', reason = 'expired', settled_at = :now where id in (
    select id from sms_order where state = 'waiting' and expires_at <= :now limit :limit)
returning id;

-- A number that no carrier has.
-- name: sms_order_unroutable
update sms_order set state = 'failed', reason = 'bad_number', settled_at = :now where person_id = :person_id and state = 'waiting' and route is null;

-- A document's messages by state; what was charged for them.
-- name: sms_of_document
select o.state, count(*), sum(o.segments) from alert t cross join sms_order o on o.alert_id = t.id
where t.document_id = :document_id group by o.state order by o.state;

-- name: sms_charged_of_document
select coalesce(sum(c.segments), 0), coalesce(sum(c.amount_li), 0) from alert t
cross join charge_line c on c.alert_id = t.id and c.of_commit is null where t.document_id = :document_id;

-- Open attempts by channel: under way, in doubt, accepted and not yet reported.
-- name: sms_channels_open
select channel, sum(state = 'sending'), sum(state = 'in_doubt'), 0 from sms_attempt where state in ('sending', 'in_doubt') group by channel
union all
select channel, 0, 0, count(*) from sms_attempt where state = 'accepted' and report is null group by channel;

-- name: sms_backlog
select coalesce(route, ''), count(*), min(due_at) from sms_order where state = 'waiting' group by 1 order by 1;
