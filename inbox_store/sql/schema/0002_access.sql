-- Log-ins, sessions, one-use tokens, earlier passwords, keys of other systems. Secrets are stored as digests only.

create table login (
    id integer primary key,
    account_id bigint not null references account (id),
    at bigint not null,
    origin text not null,
    interactive integer not null check (interactive in (0, 1))  -- 登录次数 counts interactive ones only
);
create index login_at on login (at);
create index login_account on login (account_id, at);

-- One log-in on one device: a chain of refresh tokens of which only the newest is good.
create table login_session (
    id text primary key,                -- stands in access tokens as "sid"
    chain text not null unique,         -- stands in refresh tokens only: whoever knows it holds, or held, one of them
    account_id bigint not null references account (id),
    digest blob not null,               -- SHA-256 of the good refresh token
    previous blob,                      -- of the one before: an answer lost on the way may be asked for again for a moment
    rotated_at bigint,
    refresh_until bigint not null,      -- idle end: moves with each refresh
    ends_at bigint not null,            -- absolute end
    created_at bigint not null,
    origin text not null,
    ended_at bigint,
    end_reason text
);
create index login_session_account on login_session (account_id) where ended_at is null;
create index login_session_end on login_session (ends_at);

-- Token ids that are no longer honoured: live tickets already used, access tokens taken back before they ran out.
create table spent_token (
    jti text not null primary key,
    expires_at bigint not null
);
create index spent_token_expires on spent_token (expires_at);

-- Attempts by address, and failures of logins that do not exist: these lock like real ones, so that nobody learns which do.
create table login_throttle (
    key text not null primary key,
    attempts integer not null,
    since_at bigint not null,
    until_at bigint
);
create index login_throttle_since on login_throttle (since_at);

create table password_history (
    id integer primary key,
    account_id bigint not null references account (id),
    password_hash text not null,
    at bigint not null
);
create index password_history_account on password_history (account_id, id);

create table api_key (
    id integer primary key,
    prefix text not null unique,        -- may be shown: names the key in lists and logs
    digest blob not null,
    name text not null,
    person_id bigint not null references person (id),   -- who answers for it
    unit_id bigint not null references unit (id),
    role text not null,
    scope text not null check (scope in ('unit', 'county', 'city')),
    actions text not null,              -- JSON list, sorted
    created_by bigint not null,
    created_at bigint not null,
    expires_at bigint not null,
    revoked_at bigint
);
create index api_key_unit on api_key (unit_id);
