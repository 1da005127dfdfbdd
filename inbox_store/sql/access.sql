-- name: access_account_by_login
select a.id, a.person_id, a.login, p.name, a.state, a.frozen_from, a.closed_from, a.password_hash, a.activation_hash,
       a.activation_expires_at, a.failures, a.locked_until, a.token_epoch
from account a join person p on p.id = a.person_id
where a.login = :login;

-- name: access_account_by_id
select a.id, a.person_id, a.login, p.name, a.state, a.frozen_from, a.closed_from, a.password_hash, a.activation_hash,
       a.activation_expires_at, a.failures, a.locked_until, a.token_epoch
from account a join person p on p.id = a.person_id
where a.id = :account_id;

-- name: access_throttle
select attempts, since_at, until_at from login_throttle where key = :key;

-- name: access_throttle_set
insert into login_throttle (key, attempts, since_at, until_at) values (:key, :attempts, :since_at, :until_at)
on conflict (key) do update set attempts = excluded.attempts, since_at = excluded.since_at, until_at = excluded.until_at;

-- name: access_failures_set
update account set failures = :failures, locked_until = :locked_until where id = :account_id;

-- name: access_logged_in
update account set failures = 0, locked_until = null, password_hash = coalesce(:password_hash, password_hash)
where id = :account_id;

-- name: access_login_add
insert into login (account_id, at, origin, interactive) values (:account_id, :at, :origin, :interactive);

-- name: access_password_set
update account set password_hash = :password_hash, activation_hash = null, activation_expires_at = null,
    failures = 0, locked_until = null, token_epoch = token_epoch + 1,
    state = case when state = 'pending' then 'active' else state end
where id = :account_id;

-- name: access_history_add
insert into password_history (account_id, password_hash, at) values (:account_id, :password_hash, :at);

-- name: access_history
select password_hash from password_history where account_id = :account_id order by id desc limit :keep;

-- name: access_history_trim
delete from password_history where account_id = :account_id and id not in (
    select h.id from password_history h where h.account_id = :account_id order by h.id desc limit :keep);

-- name: access_session_add
insert into login_session (id, chain, account_id, digest, refresh_until, ends_at, created_at, origin)
values (:id, :chain, :account_id, :digest, :refresh_until, :ends_at, :created_at, :origin);

-- name: access_session_by_chain
select id, account_id, digest, previous, rotated_at, refresh_until, ends_at, ended_at from login_session where chain = :chain;

-- name: access_session_rotate
update login_session set digest = :digest, previous = :previous, rotated_at = :rotated_at, refresh_until = :refresh_until
where id = :id;

-- name: access_session_end
update login_session set ended_at = :now, end_reason = :reason where id = :id and ended_at is null;

-- name: access_sessions_end
update login_session set ended_at = :now, end_reason = :reason where account_id = :account_id and ended_at is null;

-- name: access_epoch_raise
update account set token_epoch = token_epoch + 1 where id = :account_id;

-- name: access_spend
insert into spent_token (jti, expires_at) values (:jti, :expires_at) on conflict (jti) do nothing;

-- name: access_standing
select a.id, a.person_id, p.name, a.state, a.frozen_from, a.closed_from, a.token_epoch,
       (select s.ends_at from login_session s where s.id = :session and s.account_id = a.id and s.ended_at is null),
       exists (select 1 from spent_token t where t.jti = :jti)
from account a join person p on p.id = a.person_id
where a.id = :account_id;

-- name: access_grants
select a.role, a.scope, a.unit_id, coalesce(c.county_id, 0), a.for_person
from post_held a left join unit_county c on c.unit_id = a.unit_id
where a.person_id = :person_id and a.from_at <= :now and (a.to_at is null or a.to_at > :now);

-- name: access_agents
select agent_id from delegation where person_id = :person_id and from_at <= :now and to_at > :now;

-- name: access_places
select distinct a.unit_id, coalesce(c.county_id, 0)
from appointment a left join unit_county c on c.unit_id = a.unit_id
where a.person_id = :person_id and (a.to_at is null or a.to_at > :now);

-- name: access_unit_by_code
select u.id, u.name, c.county_id from unit u left join unit_county c on c.unit_id = u.id where u.code = :code;

-- name: access_unit_by_id
select u.id, u.name, c.county_id from unit u left join unit_county c on c.unit_id = u.id where u.id = :unit_id;

-- name: access_freeze
update account set frozen_from = :from_at, state = case when :from_at <= :now then 'frozen' else state end where id = :account_id;

-- name: access_unfreeze
update account set frozen_from = null, state = case when password_hash is null then 'pending' else 'active' end
where id = :account_id;

-- name: access_close
update account set closed_from = :from_at, state = case when :from_at <= :now then 'closed' else state end where id = :account_id;

-- name: access_pending_of_unit
select distinct a.id, a.login, p.code, p.name, a.activation_hash is not null and a.activation_expires_at > :now
from account a join person p on p.id = a.person_id join appointment t on t.person_id = p.id
where t.unit_id = :unit_id and t.from_at <= :now and (t.to_at is null or t.to_at > :now)
  and a.state = 'pending' and (a.frozen_from is null or a.frozen_from > :now) and (a.closed_from is null or a.closed_from > :now)
order by p.code;

-- name: access_code_set
update account set activation_hash = :activation_hash, activation_expires_at = :expires_at where id = :account_id;

-- name: access_accounts_of_unit
select distinct a.id, a.login, p.code, p.name, a.state, a.frozen_from, a.closed_from, a.locked_until,
       (select max(l.at) from login l where l.account_id = a.id and l.interactive = 1)
from account a join person p on p.id = a.person_id join appointment t on t.person_id = p.id
where t.unit_id = :unit_id and (t.to_at is null or t.to_at > :now) and a.id > :after
order by a.id limit :limit;

-- name: access_key_add
insert into api_key (prefix, digest, name, person_id, unit_id, role, scope, actions, created_by, created_at, expires_at)
values (:prefix, :digest, :name, :person_id, :unit_id, :role, :scope, :actions, :created_by, :created_at, :expires_at)
returning id;

-- name: access_key_by_prefix
select k.id, k.prefix, k.digest, k.name, k.person_id, k.unit_id, coalesce(c.county_id, 0), k.role, k.scope, k.actions, k.created_at,
       k.expires_at, k.revoked_at
from api_key k left join unit_county c on c.unit_id = k.unit_id
where k.prefix = :prefix;

-- name: access_keys
select k.id, k.prefix, k.digest, k.name, k.person_id, k.unit_id, coalesce(c.county_id, 0), k.role, k.scope, k.actions, k.created_at,
       k.expires_at, k.revoked_at
from api_key k left join unit_county c on c.unit_id = k.unit_id
order by k.id;

-- name: access_key_revoke
update api_key set revoked_at = :now where id = :id and revoked_at is null;

-- name: access_purge_sessions
delete from login_session where ends_at < :before;

-- name: access_purge_spent
delete from spent_token where expires_at < :before;

-- name: access_purge_throttle
delete from login_throttle where since_at < :before and (until_at is null or until_at < :before);
