-- What a closed month's statement shows beside its lines, as it was when the month was closed: later reports, and units
-- that are renamed later, change no statement of it.

create table charge_outcome (
    month integer not null,
    payer_id bigint not null,
    unit_id bigint not null,
    alert_kind text not null,
    purpose text not null,
    delivered bigint not null,          -- segments, as are all but the two last
    failed bigint not null,
    unreported bigint not null,         -- accepted, no final report by then: charged
    unreported_li bigint not null,
    in_doubt bigint not null,           -- no answer by then: not charged
    in_doubt_li bigint not null,
    suppressed bigint not null,         -- messages that were not sent
    suppressed_segments bigint not null,
    primary key (month, payer_id, unit_id, alert_kind, purpose)
) without rowid;

create table charge_label (
    month integer not null,
    what text not null check (what in ('region', 'unit')),
    id bigint not null,
    code text not null,
    name text not null,
    primary key (month, what, id)
) without rowid;

create trigger charge_outcome_no_update before update on charge_outcome begin select raise(abort, 'charge_outcome is append-only'); end;
create trigger charge_outcome_no_delete before delete on charge_outcome begin select raise(abort, 'charge_outcome is append-only'); end;
create trigger charge_label_no_update before update on charge_label begin select raise(abort, 'charge_label is append-only'); end;
create trigger charge_label_no_delete before delete on charge_label begin select raise(abort, 'charge_label is append-only'); end;

-- It ends with the primary key by itself: a month's lines in their order, without sorting them for every step.
drop index charge_line_month;
create index charge_line_month on charge_line (month);

-- A closed month takes no more lines: who has not heard of the close is refused, and puts the line into the month that is open.
create trigger charge_line_month_closed before insert on charge_line
when exists (select 1 from charge_month m where m.month = new.month)
begin select raise(abort, 'the month is closed'); end;
