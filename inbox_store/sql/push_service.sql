-- name: web_push_agent
select max(seen_at) from web_push_subscription where agent = :agent;

-- name: web_push_seen
update web_push_subscription set seen_at = :now where agent = :agent;

-- name: web_push_agent_count
select count(*) from web_push_subscription where agent = :agent and token <> :token;

-- name: web_push_subscribe
insert into web_push_subscription (token, agent, channel, vapid_key, made_at, seen_at)
values (:token, :agent, :channel, :key, :at, :at) on conflict (token) do nothing;

-- name: web_push_forget_messages
delete from web_push_message
where token in (select token from web_push_subscription where agent = :agent and channel = :channel);

-- name: web_push_unsubscribe
delete from web_push_subscription where agent = :agent and channel = :channel;

-- name: web_push_subscription
select token, agent, channel, vapid_key, made_at from web_push_subscription where token = :token;

-- name: web_push_replaced
delete from web_push_message where token = :token and topic = :topic and topic <> '';

-- name: web_push_waiting
select count(*) from (select 1 from web_push_message where token = :token and until > :now limit :limit);

-- name: web_push_put
insert into web_push_message (id, token, agent, channel, body, topic, urgency, at, until)
values (:id, :token, :agent, :channel, :body, :topic, :urgency, :at, :until);

-- name: web_push_due
select id, token, agent, channel, body, topic, urgency, at, until from web_push_message
where agent = :agent and until > :now order by seq limit :limit;

-- name: web_push_settle
delete from web_push_message where id = :id and agent = :agent;

-- name: web_push_withdraw
delete from web_push_message where id = :id;

-- name: web_push_expire
delete from web_push_message where seq in (select seq from web_push_message where until <= :now limit :limit);
