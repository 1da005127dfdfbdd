-- Alerts by short message: an alert is one event to tell people about, an order is one person's message of it, an attempt
-- is one segment handed to a carrier. Charges are the ledger's.

create table alert (
    id integer primary key,
    kind text not null check (kind in ('arrival', 'urge', 'red_light', 'reminder', 'code', 'drill', 'operator')),
    round integer not null,             -- 0 for the first telling, then one more each time
    document_id bigint,
    dispatch_id bigint,
    unit_id bigint not null references unit (id),   -- whose use it is (sms-charges C3, C4)
    text text not null,                 -- normalised, as it is sent, the signature included
    segments integer not null,
    urgency text not null,
    priority integer not null,          -- 0 goes first
    expires_at bigint not null,         -- what has not left by then never leaves
    created_by bigint not null,
    created_at bigint not null
);
create unique index alert_dispatch on alert (dispatch_id, kind, round) where dispatch_id is not null;

create table sms_order (
    id integer primary key,
    alert_id bigint not null references alert (id),
    person_id bigint not null,
    unit_id bigint not null,            -- through which unit the person is addressed
    route text,                         -- by number prefix or what was learned; null until it was looked up
    priority integer not null,
    state text not null check (state in ('waiting', 'sending', 'accepted', 'delivered', 'failed', 'in_doubt', 'unreported', 'expired',
        'suppressed', 'cancelled')),
    reason text,
    due_at bigint not null,
    expires_at bigint not null,
    segments integer not null,
    tries integer not null default 0,
    settled_at bigint,
    unique (alert_id, person_id)        -- a person of two units gets one message (C8)
);
create index sms_order_waiting on sms_order (route, priority, due_at, id) where state = 'waiting';
create index sms_order_person on sms_order (person_id, id);

create table sms_attempt (
    id integer primary key,
    order_id bigint not null references sms_order (id),
    segment_no integer not null,
    acceptance_no integer not null,     -- which sending of the segment this is: above 1 it is a duplicate (C6)
    channel text not null,
    source text not null,               -- access number and extension: replies come back to it
    state text not null check (state in ('sending', 'accepted', 'refused', 'returned', 'in_doubt')),
    message_id text,
    code text,
    sent_at bigint not null,            -- committed before the segment leaves
    answered_at bigint,
    report text check (report in ('waiting', 'unreported', 'delivered', 'failed')),
    stat text,
    error text,
    done_at bigint,
    reported_at bigint
);
create index sms_attempt_message on sms_attempt (channel, message_id) where message_id is not null;
create index sms_attempt_order on sms_attempt (order_id, segment_no);
create index sms_attempt_open on sms_attempt (channel, sent_at) where state in ('sending', 'in_doubt');
create index sms_attempt_unreported on sms_attempt (answered_at) where state = 'accepted' and report is null;

-- Reports that came before, or without, the answer they belong to.
create table sms_report (
    id integer primary key,
    channel text not null,
    message_id text not null,
    phone_lookup blob not null,
    state text not null,
    stat text not null,
    error text not null,
    done_at bigint,
    received_at bigint not null,
    permanent integer not null,
    unique (channel, message_id, stat, phone_lookup)
);

create table sms_reply (
    id integer primary key,
    channel text not null,
    phone_lookup blob not null,
    phone_sealed blob not null,
    phone_key integer not null,
    source text not null,
    text text not null,
    received_at bigint not null,
    order_id bigint,                    -- the question it answers, where one was found
    meaning text not null,              -- attend | substitute | leave | refuse | unknown
    detail text not null,
    unique (channel, phone_lookup, source, text, received_at)
);
create index sms_reply_order on sms_reply (order_id) where order_id is not null;

-- Number hygiene (F19): three permanent failures in a row mark a number bad until it is changed.
create table phone_state (
    person_id bigint not null primary key references person (id),
    route text,                         -- by prefix, or learned where a number was ported
    failures integer not null default 0,
    bad_at bigint,
    refused text not null default ''    -- classes of messages the person does not want (R, T)
);

-- Switch-off of a county (P66): applied for, approved, effective; what leaves later is suppressed.
create table sms_switch (
    id integer primary key,
    county_id bigint not null references region (id),
    letter_no text not null,
    on_or_off text not null check (on_or_off in ('off', 'on')),
    applied_by bigint not null,
    applied_at bigint not null,
    decided_by bigint,
    decided_at bigint,
    approved integer,
    from_at bigint                      -- effective from; set with the approval
);
create index sms_switch_county on sms_switch (county_id, from_at) where approved = 1;

-- How many messages left today, for the caps: who is person or unit, day is yyyymmdd in Asia/Shanghai.
create table sms_sent (
    day integer not null,
    who text not null check (who in ('person', 'unit')),
    id bigint not null,
    n bigint not null,
    primary key (day, who, id)
) without rowid;
