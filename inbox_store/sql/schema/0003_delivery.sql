-- Documents, dispatches, distributions (document x unit), inbox entries (document x person) and their tallies.

create table document (
    id integer primary key,
    kind text not null,
    title text not null,
    doc_no text not null,
    urgency text not null,
    duty text not null,
    sensitivity text not null,
    sender_unit_id bigint not null references unit (id),
    body text not null,
    elements text not null,             -- JSON: the format elements of GB/T 9704, co-issuers, layout marks
    series_id bigint,
    is_test integer not null,
    digest blob not null,               -- SHA-256 of what is signed for: title, number, body, elements, attachments
    created_by bigint not null references person (id),
    created_at bigint not null,
    recalled_at bigint,
    recalled_by bigint,
    recall_reason text
);
create index document_sender on document (sender_unit_id, id);

-- Bigrams of title, number and sender: two-character words such as 会议 are found, which a trigram index cannot.
create table document_gram (
    gram text not null,
    document_id bigint not null,
    primary key (gram, document_id)
) without rowid;

create table attachment (
    id text primary key,                -- generated; the file's name is only told, never used as a path
    document_id bigint references document (id),
    no integer not null default 0,
    name text not null,
    media_type text not null,
    size_bytes bigint not null,
    sha256 blob not null,
    uploaded_by bigint not null,
    uploaded_at bigint not null
);
create index attachment_document on attachment (document_id, no);

create table dispatch (
    id integer primary key,
    document_id bigint not null references document (id),
    supplement_of bigint references dispatch (id),
    send_no bigint unique,              -- given at release, in the order of release; orders every inbox
    state text not null check (state in ('held', 'rejected', 'sending', 'sent')),
    scope text not null,                -- JSON: the rule as it was told; the expanded list is in audience
    reach text not null check (reach in ('unit', 'everyone')),
    leader_mask integer not null,       -- which leaders of a unit are addressed beside its clerks
    handle_due_at bigint,               -- a deadline the sender set; else by urgency
    general integer not null,
    sms_reminder integer not null,
    units integer not null,
    persons integer not null,
    segments integer not null,
    amount_li bigint not null,
    submitted_by bigint not null,
    submitted_at bigint not null,
    decided_by bigint,                  -- approver, or who rejected
    decided_at bigint,
    decision_note text,
    sent_at bigint,                     -- the send operation is complete
    cursor_unit bigint not null default 0
);
create index dispatch_document on dispatch (document_id);
create index dispatch_open on dispatch (state) where state in ('held', 'sending');

create table audience (
    dispatch_id bigint not null references dispatch (id),
    unit_id bigint not null references unit (id),
    role text not null check (role in ('to', 'cc')),
    folder text not null,
    primary key (dispatch_id, unit_id)
) without rowid;

create table distribution (
    document_id bigint not null,
    unit_id bigint not null,
    dispatch_id bigint not null,
    role text not null,
    counted integer not null,           -- 1: enters the sign-for rate (bulletin.md 3.2)
    state text not null check (state in ('unsigned', 'signed', 'handling', 'finished', 'archived', 'returned', 'recalled')),
    sent_at bigint not null,
    sign_due_at bigint,
    due_provisional integer not null default 0,
    handle_due_at bigint,
    delivered_at bigint,
    opened_at bigint,
    signed_at bigint,
    signed_by bigint,
    signed_unread integer not null default 0,
    signed_bulk integer not null default 0,
    handler_id bigint,
    handling_started_at bigint,
    handled_at bigint,
    archived_at bigint,
    returned_at bigint,
    returned_by bigint,
    return_reason text,
    recalled_at bigint,
    round integer not null default 1,   -- a returned copy that is sent again is reopened: round 2
    primary key (document_id, unit_id)
) without rowid;
create index distribution_unit on distribution (unit_id, document_id);

-- The inbox: appended by send number (hot), merged per person in idle time (cold). An entry is in exactly one of both.
create table inbox_hot (
    send_no bigint not null,
    person_id bigint not null,
    commit_no bigint not null,
    folder text not null,
    state text not null,
    delivered_at bigint,
    opened_at bigint,
    done_at bigint,
    primary key (send_no, person_id)
) without rowid;

create table inbox (
    person_id bigint not null,
    send_no bigint not null,
    commit_no bigint not null,
    folder text not null,
    state text not null,
    delivered_at bigint,
    opened_at bigint,
    done_at bigint,
    primary key (person_id, send_no)
) without rowid;

-- Send numbers that still have hot rows, with how far the merge has come.
create table hot_send (
    send_no bigint not null primary key,
    merged_to bigint not null default 0
);

-- Badge counts of the merged entries; hot entries are counted where they lie.
create table inbox_count (
    person_id bigint not null,
    folder text not null,
    total bigint not null,
    pending bigint not null,
    primary key (person_id, folder)
) without rowid;

-- State changes for catch-up; arrivals need none, they are found by send number.
create table entry_change (
    person_id bigint not null,
    commit_no bigint not null,
    send_no bigint not null,
    primary key (person_id, commit_no, send_no)
) without rowid;

create index entry_change_commit on entry_change (commit_no);

-- Which commits added entries of a send number: the lowest send number to look at above a position.
create table send_commit (
    commit_no bigint not null,
    send_no bigint not null,
    primary key (commit_no, send_no)
) without rowid;

create table handling (
    id integer primary key,
    document_id bigint not null,
    unit_id bigint not null,
    handler_id bigint not null,
    assigned_by bigint not null,
    assigned_at bigint not null,
    due_at bigint not null,
    note text not null
);
create index handling_copy on handling (document_id, unit_id);

create table opinion (
    id integer primary key,
    document_id bigint not null,
    unit_id bigint not null,
    person_id bigint not null,
    at bigint not null,
    text text not null
);
create index opinion_copy on opinion (document_id, unit_id);

-- Counters that move in the transaction of the fact; rates read these and never the history.
create table tally (
    measure text not null,              -- sign | unread | handling | meeting
    unit_id bigint not null,
    kind text not null,
    day integer not null,               -- yyyymmdd in Asia/Shanghai: sent day, or the day handling began
    outcome text not null,
    outcome_day integer not null,       -- yyyymmdd, 0 for none yet
    n bigint not null,
    primary key (measure, unit_id, day, kind, outcome, outcome_day)
) without rowid;

create table meeting (
    document_id bigint not null primary key references document (id),
    place text not null,
    starts_at bigint not null,
    ends_at bigint,
    reply_due_at bigint not null,
    seats integer not null,
    fields text not null,               -- JSON list of the extra fields asked for
    personal integer not null
);

create table meeting_receipt (
    document_id bigint not null,
    unit_id bigint not null,
    version integer not null,           -- changes until the deadline keep the earlier answers
    answered_at bigint not null,
    answered_by bigint not null,
    attendees text not null,            -- JSON, phone numbers sealed
    note text not null,
    primary key (document_id, unit_id, version)
) without rowid;

create table meeting_personal (
    document_id bigint not null,
    person_id bigint not null,
    unit_id bigint not null,
    answer text not null check (answer in ('yes', 'no', 'leave')),
    reason text not null,
    at bigint not null,
    primary key (document_id, person_id)
) without rowid;

create table check_in (
    document_id bigint not null,
    unit_id bigint not null,
    name text not null,
    at bigint not null,
    by_person bigint not null,
    primary key (document_id, unit_id, name)
) without rowid;

create table seat (
    document_id bigint not null,
    unit_id bigint not null,
    name text not null,
    seat text not null,
    primary key (document_id, unit_id, name)
) without rowid;

create table saved_scope (
    id integer primary key,
    unit_id bigint not null,
    name text not null,
    scope text not null,
    created_by bigint not null,
    created_at bigint not null,
    unique (unit_id, name)
);

create table exemption (
    id integer primary key,
    kind text not null,
    basis text not null,
    from_day integer not null,
    to_day integer,
    created_by bigint not null,
    created_at bigint not null
);

create table brief_series (
    id integer primary key,
    unit_id bigint not null,
    name text not null,
    from_day integer not null,
    to_day integer,
    created_by bigint not null,
    created_at bigint not null,
    unique (unit_id, name)
);

create table online_peak (
    day integer not null,
    bin integer not null,               -- 5-minute bin of the day, 0..287
    peak integer not null,
    primary key (day, bin)
) without rowid;

create table idempotency (
    owner bigint not null,              -- account id, negative: API key id
    key text not null,
    route text not null,
    body_hash blob not null,
    status integer not null,
    answer blob not null,
    at bigint not null,
    primary key (owner, key)
) without rowid;
create index idempotency_at on idempotency (at);
