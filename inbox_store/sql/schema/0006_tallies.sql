-- Tallies count what happened, not what stands: a fact adds to one row, and the figures as of a day are the sums up to it.
-- The sums of a quarter (yyyyq) are kept beside them, as the rates of a quarter are asked for most.

alter table tally rename to tally_state;

create table tally (
    day integer not null,               -- yyyymmdd in Asia/Shanghai: sent day, or the day handling began
    unit_id bigint not null,
    kind text not null,
    outcome text not null,              -- sent | on_time | late | signed_unread | returned | recalled | handled | archived | asked | answered | answered_late
    outcome_day integer not null,       -- yyyymmdd: the day it happened
    n bigint not null,
    quarter integer generated always as (day / 10000 * 10 + (day / 100 % 100 + 2) / 3) virtual,
    outcome_quarter integer generated always as (outcome_day / 10000 * 10 + (outcome_day / 100 % 100 + 2) / 3) virtual,
    primary key (day, unit_id, kind, outcome, outcome_day)
) without rowid;

insert into tally (day, unit_id, kind, outcome, outcome_day, n)
select day, unit_id, kind, case measure when 'sign' then 'sent' when 'handling' then 'handled' else 'asked' end, day, sum(n)
from tally_state where measure <> 'unread' group by measure, day, unit_id, kind having sum(n) <> 0;

insert into tally (day, unit_id, kind, outcome, outcome_day, n)
select day, unit_id, kind, outcome, outcome_day, n from tally_state where outcome_day <> 0 and n <> 0;

drop table tally_state;

-- What happened after the quarter in which its copy was sent: few, and left out of a figure that was published before.
create index tally_after on tally (quarter, outcome_day, unit_id, outcome, n) where outcome_quarter > quarter;

create table tally_quarter (
    quarter integer not null,
    unit_id bigint not null,
    outcome text not null,
    n bigint not null,
    primary key (quarter, unit_id, outcome)
) without rowid;

insert into tally_quarter (quarter, unit_id, outcome, n)
select quarter, unit_id, outcome, sum(n) from tally group by quarter, unit_id, outcome;
