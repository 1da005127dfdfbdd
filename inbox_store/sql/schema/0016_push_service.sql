-- Our own push service for browsers: who subscribed, what waits until a browser has dealt with it. All of it may be lost
-- without losing an alert's order; browsers then subscribe anew.

create table web_push_subscription (
    token text not null primary key,    -- hash of the endpoint's secret: the endpoint itself is kept nowhere
    agent text not null,                -- hash of the browser's id, which opens its messages
    channel text not null,
    vapid_key text not null,            -- base64url; '': made without one
    made_at bigint not null,
    seen_at bigint not null
) without rowid;
create index web_push_subscription_agent on web_push_subscription (agent, channel);

create table web_push_message (
    seq integer primary key,            -- the order in which messages leave
    id text not null unique,
    token text not null references web_push_subscription (token) on delete cascade,
    agent text not null,
    channel text not null,
    body blob not null,                 -- encrypted for the browser: nobody here can read it
    topic text not null,
    urgency text not null check (urgency in ('very-low', 'low', 'normal', 'high')),
    at bigint not null,
    until bigint not null
);
create index web_push_message_agent on web_push_message (agent, seq);
create index web_push_message_token on web_push_message (token, until);
create unique index web_push_message_topic on web_push_message (token, topic) where topic <> '';
create index web_push_message_until on web_push_message (until);
