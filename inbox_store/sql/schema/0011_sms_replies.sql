-- Replies from phones: the parts of long ones, what a reply answers, what became of it.

-- A part stays for a while after its message was taken, so that the same part sent again is known.
create table sms_reply_part (
    id integer primary key,
    channel text not null,
    phone_lookup blob not null,
    phone_sealed blob not null,
    phone_key integer not null,
    source text not null,
    content blob not null,
    coding text not null,
    header integer not null,
    received_at bigint not null,
    taken_at bigint,                    -- its message was taken as a reply, whole or given up
    unique (channel, phone_lookup, source, coding, header, content)
);
create index sms_reply_part_taken on sms_reply_part (taken_at, id);

-- The same text to the same question is one row however often it comes; said_at is when it came last, received_at first.
alter table sms_reply add column said_at bigint not null default 0;
alter table sms_reply add column question bigint not null default 0;    -- the order; without one the day, as -yyyymmdd
alter table sms_reply add column person_id bigint;
alter table sms_reply add column unit_id bigint;                        -- through which unit the person was asked
alter table sms_reply add column document_id bigint;
alter table sms_reply add column complete integer not null default 1;   -- 0: parts of it never came
alter table sms_reply add column refused text not null default '';      -- why it does not stand; '' where it does, or asks nothing
alter table sms_reply add column why text not null default '';          -- the rules' own words to it
alter table sms_reply add column version integer;                       -- the unit's receipt that it made
create unique index sms_reply_once on sms_reply (channel, phone_lookup, source, text, question);
create index sms_reply_document on sms_reply (document_id, id) where document_id is not null;
create index sms_reply_unmatched on sms_reply (id) where order_id is null;
