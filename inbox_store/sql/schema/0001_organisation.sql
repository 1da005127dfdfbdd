-- Regions, units, lines, people, posts and accounts. Instants are UTC microseconds; a null end means "until further notice".

create table region (
    id integer primary key,
    code text not null unique,
    name text not null,
    level text not null check (level in ('city', 'county', 'township', 'village'))
);

create table line (
    id integer primary key,
    code text not null unique,
    name text not null
);

create table unit (
    id integer primary key,
    code text not null unique,
    name text not null,
    short_name text not null,
    unit_group text not null check (unit_group in ('city_direct', 'county_direct', 'stationed', 'township', 'village', 'school')),
    tags text not null,                 -- JSON list, sorted
    obliged integer not null check (obliged in (0, 1)),
    rollout text not null check (rollout in ('entered', 'applied', 'trained', 'dual', 'live')),
    active_from bigint not null,
    active_to bigint,
    frozen_at bigint
);

-- Every parent link is dated (F31): region_region, unit_region, unit_line.
create table org_link (
    kind text not null check (kind in ('region_region', 'unit_region', 'unit_line')),
    child_id bigint not null,
    parent_id bigint not null,
    from_at bigint not null,
    to_at bigint,
    primary key (kind, child_id, from_at),
    check (to_at is null or to_at > from_at)
) without rowid;
create index org_link_parent on org_link (kind, parent_id);

create table unit_succession (
    unit_id bigint not null primary key references unit (id),
    successor_id bigint not null references unit (id),
    kind text not null check (kind in ('merge', 'rename', 'abolish')),
    at bigint not null
);

create table section (
    id integer primary key,
    unit_id bigint not null references unit (id),
    code text not null,
    name text not null,
    unique (unit_id, code)
);

create table person (
    id integer primary key,
    code text not null unique,
    name text not null,
    phone_sealed blob,                  -- AES-SIV under phone_key; never in clear
    phone_key integer,
    phone_lookup blob unique            -- keyed hash: finds a number without opening any
);

create table appointment (
    id integer primary key,
    person_id bigint not null references person (id),
    unit_id bigint not null references unit (id),
    section_id bigint references section (id),
    role text not null,
    clerk_rank text check (clerk_rank in ('A', 'B')),
    post text not null,
    scope text not null check (scope in ('unit', 'county', 'city')),
    from_at bigint not null,
    to_at bigint,
    unique (person_id, unit_id, role, from_at),
    check (to_at is null or to_at > from_at),
    check ((role = 'clerk') = (clerk_rank is not null))
);
create index appointment_unit on appointment (unit_id, person_id);
-- What comes due with a date is looked for often and found seldom.
create index appointment_from on appointment (from_at);
create index appointment_to on appointment (to_at) where to_at is not null;

create table account (
    id integer primary key,
    person_id bigint not null unique references person (id),
    login text not null unique,
    state text not null check (state in ('pending', 'active', 'frozen', 'closed')),
    password_hash text,
    activation_hash blob,
    activation_expires_at bigint,
    failures integer not null default 0,
    locked_until bigint,
    frozen_from bigint,
    closed_from bigint,
    token_epoch integer not null default 0,
    created_at bigint not null
);
create index account_frozen on account (frozen_from) where frozen_from is not null;
create index account_closed on account (closed_from) where closed_from is not null;

-- Derived, kept by the programs that change the organisation:
-- the county (or the city) in which a unit lies now,
create table unit_county (
    unit_id bigint not null primary key references unit (id),
    county_id bigint not null references region (id)
);

-- and who can be addressed in a unit now: a post that runs, an account neither frozen nor closed.
create table addressee (
    unit_id bigint not null,
    person_id bigint not null,
    is_clerk integer not null,
    leader_mask integer not null,       -- 1 head, 2 deputy in charge, 4 responsible leader
    primary key (unit_id, person_id)
) without rowid;

create index addressee_person on addressee (person_id, is_clerk);

create table org_version (
    one integer primary key check (one = 1),
    version bigint not null,
    swept_at bigint not null            -- dated posts and freezes up to here are reflected in addressee
);
insert into org_version (one, version, swept_at) values (1, 0, 0);
