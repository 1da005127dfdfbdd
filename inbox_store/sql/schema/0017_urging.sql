-- What is watched until it is done, urges, lights, agents, requests to a leader. Instants are UTC microseconds.

-- One row for each open duty of a copy; next_at is when it is to be looked at again, 0 at once. A row that waits costs nothing.
create table watch (
    duty text not null check (duty in ('sign', 'handle', 'reply')),
    document_id bigint not null,
    unit_id bigint not null,
    copy_round integer not null,        -- that of the copy: sent again, it is watched anew
    due_at bigint not null,
    next_at bigint not null default 0,
    reached bigint not null default 0,  -- the instant of the last step taken: whatever the clock does, none is taken twice
    primary key (duty, document_id, unit_id)
) without rowid;
create index watch_next on watch (next_at);

-- Copies under way are watched from here on; what was overdue before is not urged for belatedly. The last commit's time is "now".
insert into watch (duty, document_id, unit_id, copy_round, due_at)
select 'sign', v.document_id, v.unit_id, v.round, v.sign_due_at from distribution v join document d on d.id = v.document_id
where v.state = 'unsigned' and d.is_test = 0 and v.sign_due_at > (select coalesce(max(at), 0) from commit_log);

insert into watch (duty, document_id, unit_id, copy_round, due_at)
select 'handle', v.document_id, v.unit_id, v.round, v.handle_due_at from distribution v join document d on d.id = v.document_id
where v.state in ('unsigned', 'signed', 'handling') and d.is_test = 0
  and v.handle_due_at > (select coalesce(max(at), 0) from commit_log);

insert into watch (duty, document_id, unit_id, copy_round, due_at)
select 'reply', v.document_id, v.unit_id, v.round, m.reply_due_at
from meeting m join distribution v on v.document_id = m.document_id join document d on d.id = m.document_id
where v.state not in ('returned', 'recalled') and v.role = 'to' and d.is_test = 0
  and m.reply_due_at > (select coalesce(max(at), 0) from commit_log)
  and not exists (select 1 from meeting_receipt r where r.document_id = v.document_id and r.unit_id = v.unit_id);

-- Every urge (催办): by the ladder (step is its instant) or by hand (step null).
create table urge (
    id integer primary key,
    duty text not null check (duty in ('sign', 'handle', 'reply')),
    document_id bigint not null,
    unit_id bigint not null,            -- who is urged
    copy_round integer not null,
    number integer not null,            -- the n-th of this matter: the round of its alert
    step bigint,
    rung text not null check (rung in ('handler', 'clerk_a', 'clerk_b', 'clerks', 'leader')),
    by_person bigint not null,          -- 0: the ladder
    payer_unit_id bigint not null,      -- whose use its messages are (sms-charges C4)
    alert_id bigint not null references alert (id),
    at bigint not null,
    unique (document_id, unit_id, duty, number)
);
create index urge_document on urge (document_id, id);
create index urge_alert on urge (alert_id);
create unique index urge_step on urge (document_id, unit_id, duty, copy_round, step) where step is not null;

-- Whom an alert told, and how: 'inbox', and 'push' and 'sms' beside it where they were ordered, with commas.
create table alert_person (
    alert_id bigint not null references alert (id),
    person_id bigint not null,
    unit_id bigint not null,            -- through which unit the person is addressed
    part text not null check (part in ('unit', 'supervisor', 'leader', 'applicant')),
    asked text not null,
    primary key (alert_id, person_id)
) without rowid;

-- A light that came on (红灯, 黄灯) and whether it is put out: the matter was done, or is no more.
create table light (
    id integer primary key,
    duty text not null check (duty in ('sign', 'handle', 'reply')),
    document_id bigint not null,
    unit_id bigint not null,
    copy_round integer not null,
    due_at bigint not null,
    amber_at bigint not null,
    red_at bigint,
    supervisor_unit_id bigint,          -- one level up; null while amber, and where nobody stands above
    handed_at bigint,                   -- when it was told, to the unit and one level up
    instruction_id bigint,              -- the document by which the supervisor answered (督办)
    out_at bigint,
    unique (duty, document_id, unit_id, copy_round, due_at)
);
create index light_open on light (id) where out_at is null;
create index light_red_unit on light (unit_id, red_at) where red_at is not null;

-- Which unit follows matters up in a region, where it is not to be told from tags and posts.
create table supervising (
    region_id bigint not null primary key references region (id),
    unit_id bigint not null references unit (id),
    set_by bigint not null,
    set_at bigint not null
);

-- An agent acts for an absent person in one unit for a period.
create table delegation (
    id integer primary key,
    person_id bigint not null references person (id),
    agent_id bigint not null references person (id),
    unit_id bigint not null references unit (id),
    from_at bigint not null,
    to_at bigint not null,              -- ended early: the instant of it
    reason text not null,
    set_by bigint not null,
    set_at bigint not null,
    ended_by bigint,
    check (agent_id <> person_id)
);
create index delegation_agent on delegation (agent_id, unit_id);
create index delegation_person on delegation (person_id, unit_id);
create index delegation_unit on delegation (unit_id);
create index delegation_from on delegation (from_at);
create index delegation_to on delegation (to_at);

-- Posts as they give rights: one's own, and those one is agent for. Only own posts are passed on, so that no agent has an agent;
-- the three separated administrations are not passed on. An agent serves in the same unit, and is one no longer than that.
create view post_held as
select person_id, unit_id, role, scope, clerk_rank, from_at, to_at, 0 as for_person from appointment
union all
select d.agent_id, a.unit_id, a.role, a.scope, a.clerk_rank, max(a.from_at, d.from_at, m.from_at),
    min(coalesce(a.to_at, d.to_at), coalesce(m.to_at, d.to_at), d.to_at), d.person_id
from delegation d
join appointment a on a.person_id = d.person_id and a.unit_id = d.unit_id
join appointment m on m.person_id = d.agent_id and m.unit_id = d.unit_id
where a.role not in ('administrator', 'security', 'auditor');

-- For whom a copy was signed by an agent (代).
alter table distribution add column signed_for bigint;

-- A leave or approval request, and everything that was done to it.
create table request (
    id integer primary key,
    kind text not null check (kind in ('leave', 'approval')),
    person_id bigint not null references person (id),
    unit_id bigint not null references unit (id),
    text text not null,
    from_at bigint,
    to_at bigint,
    sms integer not null,
    state text not null check (state in ('open', 'asked', 'approved', 'refused', 'withdrawn')),
    leader_id bigint not null,          -- before whom it lies
    hop integer not null default 0,
    passes_at bigint,                   -- when it goes to the next; null: nobody is left, or nothing is waited for
    created_at bigint not null,
    decided_by bigint,
    decided_at bigint
);
create index request_passes on request (passes_at) where passes_at is not null;
create index request_person on request (person_id, id);
create index request_leader on request (leader_id, id);

create table request_step (
    request_id bigint not null references request (id),
    no integer not null,
    at bigint not null,
    act text not null check (act in ('filed', 'passed', 'question', 'reply', 'approved', 'refused', 'withdrawn')),
    by_person bigint not null,          -- 0: nobody acted in time
    for_person bigint not null default 0,   -- for whom an agent acted
    to_person bigint not null,
    text text not null,
    primary key (request_id, no)
) without rowid;
create index request_step_to on request_step (to_person, request_id);

-- More kinds of notices than those about numbers; what a kind is, the programs say.
create table notice_any (
    id integer primary key,
    person_id bigint not null references person (id),
    kind text not null,
    about_id bigint not null references person (id),
    text text not null,
    created_at bigint not null,
    read_at bigint
);
insert into notice_any (id, person_id, kind, about_id, text, created_at, read_at)
select id, person_id, kind, about_id, text, created_at, read_at from notice;
drop table notice;
alter table notice_any rename to notice;
create index notice_unread on notice (person_id, id) where read_at is null;
create index notice_about on notice (about_id) where read_at is null;
