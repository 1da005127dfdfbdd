-- Mail out: a person's address, alerts by mail, what became of them. Mail in: what came, drafts, what a unit lets through.

-- Sealed like a telephone number. Only an address whose code came back is written to.
create table person_mail (
    person_id bigint not null primary key references person (id),
    address_sealed blob not null,
    address_key integer not null,
    verified_at bigint not null,
    ordinary integer not null default 1,    -- 0: only what is urgent comes by mail
    failures integer not null default 0,    -- permanent ones in a row
    bad_at bigint,
    status text not null default ''         -- the last failure's status (RFC 3463) and words
);

-- An address that has been told and not yet proved; the one proved before stays until then.
create table person_mail_asked (
    person_id bigint not null primary key references person (id),
    address_sealed blob not null,
    address_key integer not null,
    code_hash blob not null,
    asked_at bigint not null,
    expires_at bigint not null,
    tries integer not null default 0
);

create table mail_order (
    id integer primary key,
    alert_id bigint not null references alert (id),
    person_id bigint not null,
    unit_id bigint not null,
    digest integer not null default 0,      -- 1: leaves together with the person's other ordinary alerts
    priority integer not null,
    state text not null check (state in ('waiting', 'sending', 'accepted', 'delivered', 'failed', 'in_doubt', 'expired', 'suppressed',
        'cancelled')),
    reason text,
    due_at bigint not null,
    expires_at bigint not null,
    tries integer not null default 0,
    mail_id bigint,                         -- the attempt it left with last
    settled_at bigint,
    unique (alert_id, person_id)
);
create index mail_order_waiting on mail_order (priority, due_at, id) where state = 'waiting';
create index mail_order_digest on mail_order (person_id, id) where state = 'waiting' and digest = 1;
create index mail_order_mail on mail_order (mail_id) where mail_id is not null;

-- One mail handed to the relay: of one alert, or a digest of several.
create table mail_attempt (
    id integer primary key,
    mark bigint not null,                   -- names the mail: the same mail sent again keeps it, and so its Message-ID
    person_id bigint not null,
    state text not null check (state in ('sending', 'accepted', 'refused', 'returned', 'in_doubt')),
    code text,
    sent_at bigint not null,                -- committed before the mail leaves
    answered_at bigint,
    report text check (report in ('delayed', 'delivered', 'failed')),
    status text,
    reported_at bigint
);
create index mail_attempt_mark on mail_attempt (mark, id);
create index mail_attempt_open on mail_attempt (sent_at) where state = 'sending';

-- Every mail that was taken in. The digest is over Message-ID, envelope and content: the same mail again is found by it.
create table mail_in (
    owner bigint not null,                  -- of the idempotency key: the API key's negative id
    digest blob not null,
    unit_id bigint not null,
    message_id text not null,
    mail_from text not null,
    received_at bigint not null,
    draft_id bigint,                        -- what became of it; a draft that was sent has both
    document_id bigint,
    primary key (owner, digest)
) without rowid;
create index mail_in_draft on mail_in (draft_id) where draft_id is not null;

create table mail_draft (
    id integer primary key,
    unit_id bigint not null references unit (id),
    person_id bigint not null,              -- who answers for the key
    key_name text not null,
    mail_from text not null,
    message_id text not null,
    title text not null,
    body text not null,
    kind text not null,
    urgency text not null,
    scope text not null,                    -- JSON, as a dispatch's
    received_at bigint not null,
    closed_at bigint                        -- sent or dropped: its text is gone, its id is never given to another mail
);
create index mail_draft_unit on mail_draft (unit_id, id) where closed_at is null;

create table mail_draft_file (
    draft_id bigint not null references mail_draft (id),
    no integer not null,
    attachment_id text not null unique,
    primary key (draft_id, no)
) without rowid;

-- A unit that is not listed has drafts.
create table mail_policy (
    unit_id bigint not null primary key references unit (id),
    mode text not null check (mode in ('draft', 'dispatch')),
    kind text not null,
    set_by bigint not null,
    set_at bigint not null
);
