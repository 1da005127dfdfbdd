-- Short links in messages: what was done over each, once. A link is an order's: one person's message of one alert.

create table short_link_use (
    order_id bigint not null references sms_order (id),
    act text not null check (act in ('sign', 'answer', 'read')),
    said text not null check (said in ('', 'attend', 'substitute', 'leave')),   -- of an answer to a meeting notice
    detail text not null,               -- the substitute's name, or the reason of a leave
    at bigint not null,
    primary key (order_id, act)
) without rowid;
