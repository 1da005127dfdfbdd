-- What joins alerts, channels and the ledger.

-- It left although its county's messages are switched off: extra urgent, and the city pays (sms-charges 4.4).
alter table sms_attempt add column overridden integer not null default 0;

-- The number it went to: reports name it, also when the person has another one by then.
alter table sms_attempt add column phone_lookup blob;

-- What a channel's contract allows a day, in segments; day is yyyymmdd in Asia/Shanghai.
create table sms_channel_day (
    day integer not null,
    channel text not null,
    segments bigint not null,
    primary key (day, channel)
) without rowid;

-- What is in doubt has no message id where its answer was lost: a report is matched to it by its number.
create index sms_attempt_doubt on sms_attempt (channel, order_id) where state = 'in_doubt' and message_id is null;
create index sms_report_number on sms_report (channel, phone_lookup);
create index alert_document on alert (document_id) where document_id is not null;
create index sms_attempt_interim on sms_attempt (answered_at) where state = 'accepted' and report = 'waiting';
