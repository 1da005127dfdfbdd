-- Waiting work: rows in the same file, so that an order and its fact are one commit.

create table work (
    id integer primary key,
    lane integer not null,              -- 0 urgent, 1 ordinary, 2 upkeep
    kind text not null,
    key text not null unique,           -- one row for one piece of work, however often it is put
    payload text not null,              -- JSON
    due_at bigint not null,
    lease_until bigint,
    fence bigint not null default 0,    -- grows with each claim: a late holder changes nothing
    attempts integer not null default 0
);
create index work_due on work (lane, due_at);
