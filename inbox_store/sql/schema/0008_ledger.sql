-- The ledger of charges: append-only, sealed with the commit like the trace. Amounts are integer li (0.001 yuan).

create table charge_line (
    commit_no bigint not null,
    no integer not null,
    kind text not null check (kind in ('charge', 'adjustment')),
    of_commit bigint,                   -- an adjustment names the line it corrects, where there is one
    of_no integer,
    alert_id bigint not null,
    alert_kind text not null,
    purpose text not null,              -- document | code | drill | operator | duplicate
    round integer not null,
    document_id bigint,
    unit_id bigint not null,            -- originator
    region_id bigint not null,          -- the originator's county, or the city, when the segment was accepted (C9)
    person_id bigint not null,
    to_unit_id bigint not null,
    to_region_id bigint not null,
    phone text not null,                -- masked
    channel text not null,
    message_id text not null,
    segment_no integer not null,
    acceptance_no integer not null,
    segments integer not null,          -- 1; -1 in a reversal
    price_li integer not null,
    amount_li bigint not null,
    payer_id bigint not null,           -- the county, or the city
    accepted_at bigint not null,
    month integer not null,             -- yyyymm in Asia/Shanghai: of acceptance, or the open month of an adjustment
    policy text not null,               -- who pays and which tariff, by name and date
    digest blob not null,
    primary key (commit_no, no)
) without rowid;
create unique index charge_once on charge_line (alert_id, person_id, purpose, round, segment_no, acceptance_no) where of_commit is null;
-- What is corrected is corrected once: taken back, and charged anew to another.
create unique index charge_corrected on charge_line (of_commit, of_no, segments) where of_commit is not null;
create index charge_line_month on charge_line (month, payer_id);

create trigger charge_line_no_update before update on charge_line begin select raise(abort, 'charge_line is append-only'); end;
create trigger charge_line_no_delete before delete on charge_line begin select raise(abort, 'charge_line is append-only'); end;

-- Sums that move in the transaction of the line; statements read these, closing proves them against the lines.
create table charge_sum (
    month integer not null,
    payer_id bigint not null,
    unit_id bigint not null,
    region_id bigint not null,
    to_region_id bigint not null,
    alert_kind text not null,
    purpose text not null,
    kind text not null,
    price_li integer not null,
    messages bigint not null,
    segments bigint not null,
    amount_li bigint not null,
    primary key (month, payer_id, unit_id, region_id, to_region_id, alert_kind, purpose, kind, price_li)
) without rowid;

create table charge_month (
    month integer not null primary key, -- yyyymm
    closed_by bigint not null,
    closed_at bigint not null,
    lines bigint not null,
    segments bigint not null,
    amount_li bigint not null,
    digest blob not null                -- over the month's lines in their order
);

alter table commit_log add column charge_root blob;
alter table commit_log add column charges integer not null default 0;
