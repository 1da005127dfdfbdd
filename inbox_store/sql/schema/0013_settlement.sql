-- What a short message costs and who pays, as recorded and dated; and the settlement of a year, step by step.
-- Nothing here changes what was charged: the database itself refuses it.

-- A price holds until the next one begins, or until its own end; the programs leave neither gap nor overlap.
create table tariff (
    id integer primary key,
    from_at bigint not null unique,
    to_at bigint check (to_at > from_at),
    from_month integer not null,        -- yyyymm of from_at: lines are found by month
    price_li integer not null check (price_li >= 0),
    per text not null check (per in ('segment', 'message')),
    basis text not null,                -- the contract or letter it rests on
    recorded_at bigint not null
);

-- Whose use counts (C3), from the first day of a year until another is recorded.
create table use_policy (
    from_year integer not null primary key,
    whose text not null check (whose in ('originator', 'recipient')),
    basis text not null,
    recorded_at bigint not null
);

-- Where a stationed unit is counted for its charges (C5), until the next row; without a region: where it is entered.
create table paying_region (
    unit_id bigint not null references unit (id),
    from_at bigint not null,
    from_month integer not null,
    region_id bigint references region (id),
    basis text not null,
    recorded_at bigint not null,
    primary key (unit_id, from_at)
) without rowid;

create trigger tariff_no_update before update on tariff begin select raise(abort, 'tariff is append-only'); end;
create trigger use_policy_no_update before update on use_policy begin select raise(abort, 'use_policy is append-only'); end;
create trigger paying_region_no_update before update on paying_region begin select raise(abort, 'paying_region is append-only'); end;

-- The first row holds from ever: it is the price of the settings, kept as it was charged until then.
create trigger tariff_past before insert on tariff
when new.from_at > 0 and (exists (select 1 from charge_month m where m.month >= new.from_month)
    or exists (select 1 from charge_line l where l.month >= new.from_month and l.accepted_at >= new.from_at))
begin select raise(abort, 'what was charged keeps its price'); end;
create trigger tariff_charged before delete on tariff
when exists (select 1 from charge_month m where m.month >= old.from_month)
    or exists (select 1 from charge_line l where l.month >= old.from_month and l.accepted_at >= old.from_at)
begin select raise(abort, 'what was charged keeps its price'); end;

create trigger use_policy_past before insert on use_policy
when exists (select 1 from charge_month m where m.month > new.from_year * 100)
    or exists (select 1 from charge_sum s where s.month > new.from_year * 100)
begin select raise(abort, 'a year that was charged keeps its policy'); end;
create trigger use_policy_charged before delete on use_policy
when exists (select 1 from charge_month m where m.month > old.from_year * 100)
    or exists (select 1 from charge_sum s where s.month > old.from_year * 100)
begin select raise(abort, 'a year that was charged keeps its policy'); end;

create trigger paying_region_past before insert on paying_region
when exists (select 1 from charge_month m where m.month >= new.from_month)
    or exists (select 1 from charge_line l where l.month >= new.from_month and l.accepted_at >= new.from_at
               and (l.unit_id = new.unit_id or l.to_unit_id = new.unit_id))
begin select raise(abort, 'what was charged keeps its payer'); end;
create trigger paying_region_charged before delete on paying_region
when exists (select 1 from charge_month m where m.month >= old.from_month)
    or exists (select 1 from charge_line l where l.month >= old.from_month and l.accepted_at >= old.from_at
               and (l.unit_id = old.unit_id or l.to_unit_id = old.unit_id))
begin select raise(abort, 'what was charged keeps its payer'); end;

-- Moves whenever prices, payers or closed months do: who makes lines asks for it in the transaction of the line.
create table charge_rules (
    one integer primary key check (one = 1),
    version bigint not null
);
insert into charge_rules (one, version) values (1, 0);
create trigger tariff_added after insert on tariff begin update charge_rules set version = version + 1; end;
create trigger tariff_taken after delete on tariff begin update charge_rules set version = version + 1; end;
create trigger use_policy_added after insert on use_policy begin update charge_rules set version = version + 1; end;
create trigger use_policy_taken after delete on use_policy begin update charge_rules set version = version + 1; end;
create trigger paying_region_added after insert on paying_region begin update charge_rules set version = version + 1; end;
create trigger paying_region_taken after delete on paying_region begin update charge_rules set version = version + 1; end;
create trigger charge_month_added after insert on charge_month begin update charge_rules set version = version + 1; end;

-- The settlement of a year: a draft may be made anew, what was sent out stays (sms-charges 4.5).
create table settlement (
    year integer not null primary key,
    method text not null check (method in ('lines', 'invoice')),
    invoice_li bigint,
    lines_li bigint not null,
    difference_li bigint not null,
    digest blob not null                -- over the statements and shares as they were shown
);

create table settlement_share (
    year integer not null references settlement (year),
    region_id bigint not null,
    code text not null,
    name text not null,
    messages bigint not null,
    segments bigint not null,
    amount_li bigint not null,          -- its lines, with own_li in it
    own_li bigint not null,             -- what is not apportioned: the city's alone
    share_li bigint not null,
    primary key (year, region_id)
) without rowid;

create table settlement_step (
    year integer not null references settlement (year),
    step text not null check (step in ('draft', 'objections', 'confirmed', 'frozen')),
    actor bigint not null,
    at bigint not null,
    until_at bigint,                    -- of 'objections': the first moment after the window
    primary key (year, step)
) without rowid;

create table settlement_objection (
    year integer not null references settlement (year),
    no integer not null,
    region_id bigint not null,
    text text not null,
    actor bigint not null,
    at bigint not null,
    answer text,
    answered_by bigint,
    answered_at bigint,
    primary key (year, no)
) without rowid;

-- A county's word before the window is over; afterwards silence is enough.
create table settlement_consent (
    year integer not null references settlement (year),
    region_id bigint not null,
    actor bigint not null,
    at bigint not null,
    primary key (year, region_id)
) without rowid;

create trigger settlement_no_update before update on settlement begin select raise(abort, 'a settlement does not change'); end;
create trigger settlement_no_delete before delete on settlement
when exists (select 1 from settlement_step s where s.year = old.year and s.step <> 'draft')
begin select raise(abort, 'a settlement that was sent out stays'); end;
create trigger settlement_share_no_insert before insert on settlement_share
when exists (select 1 from settlement_step s where s.year = new.year and s.step <> 'draft')
begin select raise(abort, 'a settlement that was sent out stays'); end;
create trigger settlement_share_no_update before update on settlement_share begin select raise(abort, 'a settlement does not change'); end;
create trigger settlement_share_no_delete before delete on settlement_share
when exists (select 1 from settlement_step s where s.year = old.year and s.step <> 'draft')
begin select raise(abort, 'a settlement that was sent out stays'); end;
create trigger settlement_step_no_update before update on settlement_step begin select raise(abort, 'a step taken stays'); end;
create trigger settlement_step_no_delete before delete on settlement_step
when exists (select 1 from settlement_step s where s.year = old.year and s.step <> 'draft')
begin select raise(abort, 'a step taken stays'); end;
create trigger settlement_step_frozen before insert on settlement_step
when exists (select 1 from settlement_step s where s.year = new.year and s.step = 'frozen')
begin select raise(abort, 'the settlement is frozen'); end;
create trigger settlement_objection_late before insert on settlement_objection
when exists (select 1 from settlement_step s where s.year = new.year and s.step = 'confirmed')
begin select raise(abort, 'the settlement is confirmed'); end;
create trigger settlement_objection_answered before update on settlement_objection
when old.answer is not null or new.text <> old.text or new.region_id <> old.region_id or new.year <> old.year or new.no <> old.no
    or new.actor <> old.actor or new.at <> old.at
begin select raise(abort, 'an objection and its answer stay'); end;
create trigger settlement_objection_no_delete before delete on settlement_objection
begin select raise(abort, 'an objection and its answer stay'); end;
create trigger settlement_consent_no_update before update on settlement_consent begin select raise(abort, 'a consent stays'); end;
create trigger settlement_consent_no_delete before delete on settlement_consent begin select raise(abort, 'a consent stays'); end;
