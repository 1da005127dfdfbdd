-- The trace: one link per commit, a digest per row, a signed Merkle root over the commit's sign-for receipts.

create table commit_log (
    commit_no bigint not null primary key,
    at bigint not null,
    audit_root blob not null,           -- Merkle root over the digests of the commit's audit rows
    audit_rows integer not null,
    receipt_root blob,                  -- Merkle root over the commit's receipts, null without any
    receipts integer not null,
    receipt_key text,
    signature blob,                     -- Ed25519 over (commit_no, at, receipt_root, receipts)
    link blob not null                  -- SHA-256 over the previous link and all of the above
);

create table audit (
    commit_no bigint not null,
    no integer not null,
    at bigint not null,
    actor bigint not null,
    action text not null,
    subject text not null,
    origin text not null,
    detail text not null,               -- JSON with sorted keys
    digest blob not null,
    primary key (commit_no, no)
) without rowid;
create index audit_subject on audit (subject, commit_no);
create index audit_actor on audit (actor, commit_no);

create table sign_receipt (
    document_id bigint not null,
    unit_id bigint not null,
    commit_no bigint not null,
    no integer not null,                -- leaf number within the commit
    leaf blob not null,                 -- the canonical bytes that were signed for
    primary key (document_id, unit_id)
) without rowid;
create index sign_receipt_commit on sign_receipt (commit_no, no);

create table receipt_key (
    key_id text not null primary key,
    public_key blob not null,           -- kept for ever: old receipts stay verifiable
    from_at bigint not null
);

create trigger audit_no_update before update on audit begin select raise(abort, 'audit is append-only'); end;
create trigger audit_no_delete before delete on audit begin select raise(abort, 'audit is append-only'); end;
create trigger commit_log_no_update before update on commit_log begin select raise(abort, 'commit_log is append-only'); end;
create trigger commit_log_no_delete before delete on commit_log begin select raise(abort, 'commit_log is append-only'); end;
create trigger sign_receipt_no_update before update on sign_receipt begin select raise(abort, 'sign_receipt is append-only'); end;
create trigger sign_receipt_no_delete before delete on sign_receipt begin select raise(abort, 'sign_receipt is append-only'); end;

-- Names this history of commits; a store that was made anew or restored elsewhere gets another (positions are void then).
create table installation (
    one integer primary key check (one = 1),
    epoch text not null
);
