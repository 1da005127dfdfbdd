-- name: settlement
select method, invoice_li, lines_li, difference_li, digest from settlement where year = :year;

-- name: settlement_add
insert into settlement (year, method, invoice_li, lines_li, difference_li, digest)
values (:year, :method, :invoice_li, :lines_li, :difference_li, :digest);

-- name: settlement_shares
select region_id, code, name, messages, segments, amount_li, own_li, share_li from settlement_share where year = :year order by code, region_id;

-- name: settlement_share_add
insert into settlement_share (year, region_id, code, name, messages, segments, amount_li, own_li, share_li)
values (:year, :region_id, :code, :name, :messages, :segments, :amount_li, :own_li, :share_li);

-- name: settlement_steps
select step, actor, at, until_at from settlement_step where year = :year order by at,
    case step when 'draft' then 0 when 'objections' then 1 when 'confirmed' then 2 else 3 end;

-- name: settlement_step_add
insert into settlement_step (year, step, actor, at, until_at) values (:year, :step, :actor, :at, :until_at);

-- name: settlement_objections
select no, region_id, text, actor, at, answer, answered_by, answered_at from settlement_objection where year = :year order by no;

-- name: settlement_objection_add
insert into settlement_objection (year, no, region_id, text, actor, at) values (:year, :no, :region_id, :text, :actor, :at);

-- name: settlement_objection_answer
update settlement_objection set answer = :answer, answered_by = :answered_by, answered_at = :answered_at where year = :year and no = :no;

-- name: settlement_consents
select region_id, actor, at from settlement_consent where year = :year order by region_id;

-- name: settlement_consent_add
insert into settlement_consent (year, region_id, actor, at) values (:year, :region_id, :actor, :at);

-- A draft that is made anew: what was sent out stays, by its triggers.
-- name: settlement_drop_shares
delete from settlement_share where year = :year;

-- name: settlement_drop_steps
delete from settlement_step where year = :year;

-- name: settlement_drop
delete from settlement where year = :year;
