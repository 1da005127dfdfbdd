-- Alerts to devices, and messages that leave only while nobody has opened what they tell of.

-- A phone or a browser that asked to be alerted. Its address is sealed like a telephone number: who has it can wake the phone.
create table device (
    id integer primary key,
    person_id bigint not null references person (id),
    vendor text not null,               -- webpush | apns | fcm | huawei | ... (push.app.sender.Vendor)
    token_sealed blob not null,
    token_key integer not null,
    token_lookup blob not null unique,  -- keyed hash: the same address registered again is the same device
    label text not null,
    added_at bigint not null,
    seen_at bigint not null,
    gone_at bigint,                     -- the vendor said that the address is dead, or the person removed it
    gone_why text
);
create index device_person on device (person_id) where gone_at is null;
create index device_vendor on device (vendor) where gone_at is null;

create table push_order (
    id integer primary key,
    alert_id bigint not null references alert (id),
    person_id bigint not null,
    device_id bigint not null references device (id),
    vendor text not null,
    priority integer not null,
    state text not null check (state in ('waiting', 'sending', 'accepted', 'delivered', 'failed', 'in_doubt', 'expired', 'cancelled', 'merged')),
    reason text,
    due_at bigint not null,
    expires_at bigint not null,
    tries integer not null default 0,
    receipt text,                       -- the vendor's id, by which it may report delivery
    sent_at bigint,
    settled_at bigint,
    unique (alert_id, device_id)
);
create index push_order_waiting on push_order (vendor, priority, due_at, id) where state = 'waiting';
create index push_order_open on push_order (vendor, sent_at) where state = 'sending';
create index push_order_person on push_order (person_id, id);
create index push_order_receipt on push_order (vendor, receipt) where receipt is not null;

-- What a person wants; what is extra urgent cannot be switched off.
create table preference (
    person_id bigint not null primary key references person (id),
    push_ordinary integer not null default 1,
    sms_ordinary integer not null default 1,
    digest_minutes integer not null default 0,      -- ordinary alerts wait so long for others, to come as one
    quiet_from integer not null default 0,          -- minutes of the day; equal: none of one's own
    quiet_to integer not null default 0,
    changed_at bigint not null
);

-- Which rules made an alert's orders, as text with a version: what "why" shows.
alter table alert add column policy text not null default '';

-- A message of the escalation: it leaves only while the person has not opened the document.
alter table sms_order add column until_opened integer not null default 0;
