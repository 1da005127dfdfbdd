-- The switch-off as it is applied for and decided, what is known of a number that went bad, and notices to persons.

-- The day the county asks for, and what the decider noted; the approval alone sets from_at.
alter table sms_switch add column wanted_at bigint;
alter table sms_switch add column note text not null default '';
-- A county has one open application at a time.
create unique index sms_switch_open on sms_switch (county_id) where decided_at is null;

-- What was suppressed is counted by month without a look at what left.
create index sms_order_suppressed on sms_order (settled_at) where state = 'suppressed';

alter table phone_state add column failed_at bigint;                -- the last permanent failure
alter table phone_state add column error text not null default '';  -- and the carrier's words for it
alter table phone_state add column told_at bigint;                  -- person and clerks were told of bad_at: once for each marking

-- A short word to one person, kept until it is read: pushed live to whoever is online, read at the next log-in by all others.
create table notice (
    id integer primary key,
    person_id bigint not null references person (id),
    kind text not null check (kind in ('phone_bad', 'phone_bad_of')),
    about_id bigint not null references person (id),
    text text not null,
    created_at bigint not null,
    read_at bigint
);
create index notice_unread on notice (person_id, id) where read_at is null;
create index notice_about on notice (about_id) where read_at is null;
