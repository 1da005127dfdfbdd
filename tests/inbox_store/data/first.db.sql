BEGIN TRANSACTION;
CREATE TABLE account (
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
INSERT INTO "account" VALUES(1,1,'both','pending',NULL,NULL,NULL,0,NULL,NULL,NULL,0,1772413200000000);
INSERT INTO "account" VALUES(2,2,'mixed','pending',NULL,NULL,NULL,0,NULL,NULL,NULL,0,1772413200000000);
INSERT INTO "account" VALUES(3,3,'s0-a','pending',NULL,NULL,NULL,0,NULL,NULL,NULL,0,1772413200000000);
INSERT INTO "account" VALUES(4,4,'s0-b','pending',NULL,NULL,NULL,0,NULL,NULL,NULL,0,1772413200000000);
INSERT INTO "account" VALUES(5,5,'u1-a','pending',NULL,NULL,NULL,0,NULL,NULL,NULL,0,1772413200000000);
INSERT INTO "account" VALUES(6,6,'u1-b','pending',NULL,NULL,NULL,0,NULL,NULL,NULL,0,1772413200000000);
INSERT INTO "account" VALUES(7,7,'u2-a','pending',NULL,NULL,NULL,0,NULL,NULL,NULL,0,1772413200000000);
INSERT INTO "account" VALUES(8,8,'u3-b','pending',NULL,NULL,NULL,0,NULL,NULL,NULL,0,1772413200000000);
INSERT INTO "account" VALUES(9,9,'u4-a','pending',NULL,NULL,NULL,0,NULL,NULL,NULL,0,1772413200000000);
INSERT INTO "account" VALUES(10,10,'u5-a','pending',NULL,NULL,NULL,0,NULL,NULL,NULL,0,1772413200000000);
INSERT INTO "account" VALUES(11,11,'u1-lead','pending',NULL,NULL,NULL,0,NULL,NULL,NULL,0,1772413200000000);
INSERT INTO "account" VALUES(12,12,'u1-staff','pending',NULL,NULL,NULL,0,NULL,NULL,NULL,0,1772413200000000);
INSERT INTO "account" VALUES(13,13,'u2-lead','pending',NULL,NULL,NULL,0,NULL,NULL,NULL,0,1772413200000000);
INSERT INTO "account" VALUES(14,14,'u2-staff','pending',NULL,NULL,NULL,0,NULL,NULL,NULL,0,1772413200000000);
INSERT INTO "account" VALUES(15,15,'u3-lead','pending',NULL,NULL,NULL,0,NULL,NULL,NULL,0,1772413200000000);
INSERT INTO "account" VALUES(16,16,'u3-staff','pending',NULL,NULL,NULL,0,NULL,NULL,NULL,0,1772413200000000);
INSERT INTO "account" VALUES(17,17,'u4-lead','pending',NULL,NULL,NULL,0,NULL,NULL,NULL,0,1772413200000000);
INSERT INTO "account" VALUES(18,18,'u4-staff','pending',NULL,NULL,NULL,0,NULL,NULL,NULL,0,1772413200000000);
INSERT INTO "account" VALUES(19,19,'u5-lead','pending',NULL,NULL,NULL,0,NULL,NULL,NULL,0,1772413200000000);
INSERT INTO "account" VALUES(20,20,'u5-staff','pending',NULL,NULL,NULL,0,NULL,NULL,NULL,0,1772413200000000);
CREATE TABLE addressee (
    unit_id bigint not null,
    person_id bigint not null,
    is_clerk integer not null,
    leader_mask integer not null,       -- 1 head, 2 deputy in charge, 4 responsible leader
    primary key (unit_id, person_id)
) without rowid;
INSERT INTO "addressee" VALUES(1,3,1,0);
INSERT INTO "addressee" VALUES(1,4,1,0);
INSERT INTO "addressee" VALUES(2,2,0,4);
INSERT INTO "addressee" VALUES(2,5,1,0);
INSERT INTO "addressee" VALUES(2,6,1,0);
INSERT INTO "addressee" VALUES(2,11,0,4);
INSERT INTO "addressee" VALUES(2,12,0,0);
INSERT INTO "addressee" VALUES(3,4,1,0);
INSERT INTO "addressee" VALUES(3,7,1,0);
INSERT INTO "addressee" VALUES(3,13,0,4);
INSERT INTO "addressee" VALUES(3,14,0,0);
INSERT INTO "addressee" VALUES(4,1,1,0);
INSERT INTO "addressee" VALUES(4,8,1,0);
INSERT INTO "addressee" VALUES(4,15,0,4);
INSERT INTO "addressee" VALUES(4,16,0,0);
INSERT INTO "addressee" VALUES(5,1,1,0);
INSERT INTO "addressee" VALUES(5,9,1,0);
INSERT INTO "addressee" VALUES(5,17,0,4);
INSERT INTO "addressee" VALUES(5,18,0,0);
INSERT INTO "addressee" VALUES(6,2,1,0);
INSERT INTO "addressee" VALUES(6,10,1,0);
INSERT INTO "addressee" VALUES(6,19,0,4);
INSERT INTO "addressee" VALUES(6,20,0,0);
CREATE TABLE api_key (
    id integer primary key,
    prefix text not null unique,        -- may be shown: names the key in lists and logs
    digest blob not null,
    name text not null,
    person_id bigint not null references person (id),   -- who answers for it
    unit_id bigint not null references unit (id),
    role text not null,
    scope text not null check (scope in ('unit', 'county', 'city')),
    actions text not null,              -- JSON list, sorted
    created_by bigint not null,
    created_at bigint not null,
    expires_at bigint not null,
    revoked_at bigint
);
CREATE TABLE appointment (
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
INSERT INTO "appointment" VALUES(1,1,4,NULL,'clerk','A','科员','unit',0,NULL);
INSERT INTO "appointment" VALUES(2,1,5,NULL,'clerk','B','科员','unit',0,NULL);
INSERT INTO "appointment" VALUES(3,2,2,NULL,'responsible_leader',NULL,'科员','unit',0,NULL);
INSERT INTO "appointment" VALUES(4,2,6,NULL,'clerk','B','科员','unit',0,NULL);
INSERT INTO "appointment" VALUES(5,3,1,NULL,'clerk','A','科员','unit',0,NULL);
INSERT INTO "appointment" VALUES(6,4,1,NULL,'clerk','B','科员','unit',0,NULL);
INSERT INTO "appointment" VALUES(7,4,3,NULL,'clerk','B','科员','unit',0,NULL);
INSERT INTO "appointment" VALUES(8,5,2,NULL,'clerk','A','科员','unit',0,NULL);
INSERT INTO "appointment" VALUES(9,6,2,NULL,'clerk','B','科员','unit',0,NULL);
INSERT INTO "appointment" VALUES(10,7,3,NULL,'clerk','A','科员','unit',0,NULL);
INSERT INTO "appointment" VALUES(11,8,4,NULL,'clerk','B','科员','unit',0,NULL);
INSERT INTO "appointment" VALUES(12,9,5,NULL,'clerk','A','科员','unit',0,NULL);
INSERT INTO "appointment" VALUES(13,10,6,NULL,'clerk','A','科员','unit',0,NULL);
INSERT INTO "appointment" VALUES(14,11,2,NULL,'responsible_leader',NULL,'科员','unit',0,NULL);
INSERT INTO "appointment" VALUES(15,12,2,NULL,'staff',NULL,'科员','unit',0,NULL);
INSERT INTO "appointment" VALUES(16,13,3,NULL,'responsible_leader',NULL,'科员','unit',0,NULL);
INSERT INTO "appointment" VALUES(17,14,3,NULL,'staff',NULL,'科员','unit',0,NULL);
INSERT INTO "appointment" VALUES(18,15,4,NULL,'responsible_leader',NULL,'科员','unit',0,NULL);
INSERT INTO "appointment" VALUES(19,16,4,NULL,'staff',NULL,'科员','unit',0,NULL);
INSERT INTO "appointment" VALUES(20,17,5,NULL,'responsible_leader',NULL,'科员','unit',0,NULL);
INSERT INTO "appointment" VALUES(21,18,5,NULL,'staff',NULL,'科员','unit',0,NULL);
INSERT INTO "appointment" VALUES(22,19,6,NULL,'responsible_leader',NULL,'科员','unit',0,NULL);
INSERT INTO "appointment" VALUES(23,20,6,NULL,'staff',NULL,'科员','unit',0,NULL);
CREATE TABLE attachment (
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
CREATE TABLE audience (
    dispatch_id bigint not null references dispatch (id),
    unit_id bigint not null references unit (id),
    role text not null check (role in ('to', 'cc')),
    folder text not null,
    primary key (dispatch_id, unit_id)
) without rowid;
INSERT INTO "audience" VALUES(1,2,'to','from_above');
INSERT INTO "audience" VALUES(1,3,'to','from_above');
INSERT INTO "audience" VALUES(1,4,'to','from_above');
INSERT INTO "audience" VALUES(2,3,'to','from_above');
INSERT INTO "audience" VALUES(2,5,'to','from_above');
INSERT INTO "audience" VALUES(3,2,'to','from_above');
INSERT INTO "audience" VALUES(3,6,'to','from_above');
INSERT INTO "audience" VALUES(4,2,'to','from_above');
INSERT INTO "audience" VALUES(4,3,'to','from_above');
INSERT INTO "audience" VALUES(5,6,'to','from_above');
CREATE TABLE audit (
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
INSERT INTO "audit" VALUES(1,0,1772413200000000,0,'org.import_started','organisation:0','','{"persons":20,"regions":4,"units":6}',X'1C3DDE415B7DAE974DC9BCFF340B982FAC8A9ED367AEFAFD4FAA34ACB744D3A1');
INSERT INTO "audit" VALUES(3,0,1772413200000000,0,'org.imported','organisation:0','','{"appointments":23,"persons":20}',X'E2770A24DA66E3889C0A80B0F5CB6E502A7CDACCE7A965B0BC47EE45D7BF097F');
INSERT INTO "audit" VALUES(4,0,1772413200000000,3,'dispatch.submit','dispatch:1','10.0.0.1','{"document":1,"general":false,"persons":12,"units":3}',X'720EA74EFA0043C586DD9E3FF079A8F1266A28355D12668FA245EF9A4ED3BC6C');
INSERT INTO "audit" VALUES(6,0,1772413200000000,0,'dispatch.sent','dispatch:1','','{"document":1,"units":3}',X'32FB609B9A4CAC32B2C4AFE1F06E4B398321D565B84A3795F913EA20929BEBD5');
INSERT INTO "audit" VALUES(7,0,1772413200000000,5,'document.open','document:1','10.0.0.7','{}',X'A120E525ED9490A8AFB93E3BD29DA41FB28EE1AA099772F2D3ADD424AAEF1FCC');
INSERT INTO "audit" VALUES(8,0,1772413200000000,5,'document.sign','document:1','10.0.0.7','{"bulk":false,"device":"desk","unit":2,"unread":false}',X'A5DCD23088438B9407A2DABC027A7036CFF11AAF7E013F08834FDC6DB06666D8');
INSERT INTO "audit" VALUES(9,0,1772413200000000,5,'document.transfer','document:1','10.0.0.7','{"due_at":1772672400000000,"handler":12,"unit":2}',X'C14E01E9DDB29C2001029706C1648FB976F782692DE86D1C5D66F90EF9BBBEBF');
INSERT INTO "audit" VALUES(10,0,1772413200000000,7,'document.return','document:1','10.0.0.7','{"reason":"不属本单位职责","unit":3}',X'42CA91A833BB83583CA7013B58B7224913470F47BC2B51C37B1106312C933CAA');
INSERT INTO "audit" VALUES(11,0,1772586000000000,3,'dispatch.submit','dispatch:2','10.0.0.1','{"document":1,"general":false,"persons":8,"units":2}',X'BE37D0613F7E2F074766C917DA25DB5A6E77353EABE7EB7A3F4161D8B529DB16');
INSERT INTO "audit" VALUES(13,0,1772586000000000,0,'dispatch.sent','dispatch:2','','{"document":1,"units":2}',X'5435BC401FD4B3BC4CED5B740E3A17E7A838811EBE1426D937C3C2467C1D51DE');
INSERT INTO "audit" VALUES(14,0,1772586000000000,8,'document.sign','document:1','10.0.0.7','{"bulk":false,"device":"desk","unit":4,"unread":true}',X'0ACDE196B4E34A4974B58D5E579EDD6D2EC2851A56C6D00393A8B95C77A53FDD');
INSERT INTO "audit" VALUES(15,0,1772586000000000,5,'document.archive','document:1','10.0.0.7','{"unit":2}',X'E4F979767E421BE2C6D005266C96C050EC9A26701EE963764C4317D32152A72E');
INSERT INTO "audit" VALUES(16,0,1772586000000000,3,'dispatch.submit','dispatch:3','10.0.0.1','{"document":2,"general":false,"persons":8,"units":2}',X'73B43EAB66FB158356BEFB04A42A1414AACBC1030C937FFD92706784CDDE40DA');
INSERT INTO "audit" VALUES(18,0,1772586000000000,0,'dispatch.sent','dispatch:3','','{"document":2,"units":2}',X'FAF40C5C555F391DD3411925D0207A47A5D8029DC9F712B3DC1BA8A6D84AFF26');
INSERT INTO "audit" VALUES(19,0,1772586000000000,3,'document.recall','document:2','10.0.0.1','{"reason":"内容有误","taken_back":2}',X'069176EBCD390BB157A8346FEEFE744572BB6ABBCBFA1426EE9F7FD68F2872F0');
INSERT INTO "audit" VALUES(21,0,1772586000000000,3,'dispatch.submit','dispatch:4','10.0.0.1','{"document":3,"general":false,"persons":8,"units":2}',X'606CA7308100E1637839A5C7C04138C102E872190ABA4C64B0F5B5FD87D74D01');
INSERT INTO "audit" VALUES(23,0,1772586000000000,0,'dispatch.sent','dispatch:4','','{"document":3,"units":2}',X'74266C5BD6BF3877E81C07BF9C2ACCFA4E5319C381698D9394F6B223CD7DA548');
INSERT INTO "audit" VALUES(24,0,1772586000000000,3,'dispatch.submit','dispatch:5','10.0.0.1','{"document":4,"general":false,"persons":4,"units":1}',X'2E52465EFA88742FC2B492EE34807A6A19C30F1E57AE300FAA7208BD03549949');
CREATE TABLE brief_series (
    id integer primary key,
    unit_id bigint not null,
    name text not null,
    from_day integer not null,
    to_day integer,
    created_by bigint not null,
    created_at bigint not null,
    unique (unit_id, name)
);
CREATE TABLE check_in (
    document_id bigint not null,
    unit_id bigint not null,
    name text not null,
    at bigint not null,
    by_person bigint not null,
    primary key (document_id, unit_id, name)
) without rowid;
CREATE TABLE commit_log (
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
INSERT INTO "commit_log" VALUES(1,1772413200000000,X'1C3DDE415B7DAE974DC9BCFF340B982FAC8A9ED367AEFAFD4FAA34ACB744D3A1',1,NULL,0,NULL,NULL,X'8CBE5946A3A3B0B96D353AC0FA3214953F42853755A50A731D3D3B8DE5C482FD');
INSERT INTO "commit_log" VALUES(2,1772413200000000,X'132A0914E92B18BA611A24A8084CE99093093DB22E4DD7FB890B59100578371E',0,NULL,0,NULL,NULL,X'625816B46DB93248AAFECAF69689F7AF2B5F751B4A578B4992DE0D13D2606ADA');
INSERT INTO "commit_log" VALUES(3,1772413200000000,X'E2770A24DA66E3889C0A80B0F5CB6E502A7CDACCE7A965B0BC47EE45D7BF097F',1,NULL,0,NULL,NULL,X'8DD282B4C05CC3463528D2666C74E45375A27E83CFD0F3EE65E6E16AF61E5D8D');
INSERT INTO "commit_log" VALUES(4,1772413200000000,X'720EA74EFA0043C586DD9E3FF079A8F1266A28355D12668FA245EF9A4ED3BC6C',1,NULL,0,NULL,NULL,X'75038E5D0A90747E245A3D25EF7A368786830F9BC2F961717156B8ED6D3718D8');
INSERT INTO "commit_log" VALUES(5,1772413200000000,X'132A0914E92B18BA611A24A8084CE99093093DB22E4DD7FB890B59100578371E',0,NULL,0,NULL,NULL,X'B1E211A837B3B194CD246574B32DD354A85FA66D4A48EFD391D5EAF03CB140FD');
INSERT INTO "commit_log" VALUES(6,1772413200000000,X'32FB609B9A4CAC32B2C4AFE1F06E4B398321D565B84A3795F913EA20929BEBD5',1,NULL,0,NULL,NULL,X'6AACBF9B7A013425CABB111D55D71FD055A2C745567FE74F102A6C71CD7DA91F');
INSERT INTO "commit_log" VALUES(7,1772413200000000,X'A120E525ED9490A8AFB93E3BD29DA41FB28EE1AA099772F2D3ADD424AAEF1FCC',1,NULL,0,NULL,NULL,X'B659B85F89647EE84E8C34F59B5202B906D83E47863E0B830477EAB15D3B837B');
INSERT INTO "commit_log" VALUES(8,1772413200000000,X'A5DCD23088438B9407A2DABC027A7036CFF11AAF7E013F08834FDC6DB06666D8',1,X'157FF2714E3F764F586BF3760930923CA4AA5EB912BF97AFDC109A093D823430',1,'41b54d07d0c0cec4',X'03FCD5E230DFE6C1F1C1A66D1C1698C2551397C8EF1DCCD97FC9C57068B565A6B5C667B12FA698D3539B6092FCE19910ACC90C8E0BF05D0A65148956F6C98703',X'FE02920ACF7E70181D4C07D02009EAD67624D12F791E2418D38873A77AC6D361');
INSERT INTO "commit_log" VALUES(9,1772413200000000,X'C14E01E9DDB29C2001029706C1648FB976F782692DE86D1C5D66F90EF9BBBEBF',1,NULL,0,NULL,NULL,X'C35577EAD07B7F74AF4A90E13D6B947A71943C136CD9E307FDBFB8772C783EE5');
INSERT INTO "commit_log" VALUES(10,1772413200000000,X'42CA91A833BB83583CA7013B58B7224913470F47BC2B51C37B1106312C933CAA',1,NULL,0,NULL,NULL,X'B87BBC3D4B834005B69042D19D54D2909CB8E0C578E4DE74DE44BCB23D3E3D1F');
INSERT INTO "commit_log" VALUES(11,1772586000000000,X'BE37D0613F7E2F074766C917DA25DB5A6E77353EABE7EB7A3F4161D8B529DB16',1,NULL,0,NULL,NULL,X'979C0822CF3C9ABA81FB7E3E911AB37B90AE87376A53793E6F5E1E4441210C1C');
INSERT INTO "commit_log" VALUES(12,1772586000000000,X'132A0914E92B18BA611A24A8084CE99093093DB22E4DD7FB890B59100578371E',0,NULL,0,NULL,NULL,X'59EAB944E98192A9E932589C6EE6B60762EEEBF9960E4A2257BA923E99C119CB');
INSERT INTO "commit_log" VALUES(13,1772586000000000,X'5435BC401FD4B3BC4CED5B740E3A17E7A838811EBE1426D937C3C2467C1D51DE',1,NULL,0,NULL,NULL,X'F0E22988084493BFFC809C460B3EDA5D0A725A271B044A52A7832297BAD21F95');
INSERT INTO "commit_log" VALUES(14,1772586000000000,X'0ACDE196B4E34A4974B58D5E579EDD6D2EC2851A56C6D00393A8B95C77A53FDD',1,X'62F33143588BDD7F7FB17DF26337915008CDCF2DF9E04A1DA3E30F8E2943A990',1,'41b54d07d0c0cec4',X'4DBF8B3FCDFA4512ED48C87C83EF62AF76BC3D315B46D9E023F280337D269E4AAD7289B4158DDB16B9C8FDCCF47F28B968B9E57737283FAD59E965761118420B',X'679BE38CC09844F55A7D8AE32F90C3AF44191BECA834854FEDE1A911A9827DB2');
INSERT INTO "commit_log" VALUES(15,1772586000000000,X'E4F979767E421BE2C6D005266C96C050EC9A26701EE963764C4317D32152A72E',1,NULL,0,NULL,NULL,X'2FA19735D88EC851C6B606F7414FDAA25EF597DBE2A0361F1AEE0ACA462D2354');
INSERT INTO "commit_log" VALUES(16,1772586000000000,X'73B43EAB66FB158356BEFB04A42A1414AACBC1030C937FFD92706784CDDE40DA',1,NULL,0,NULL,NULL,X'6B3095312D9220F22A5F7448705D8AB5330B3EB88BB87DE9DC8D3EDC64A84D07');
INSERT INTO "commit_log" VALUES(17,1772586000000000,X'132A0914E92B18BA611A24A8084CE99093093DB22E4DD7FB890B59100578371E',0,NULL,0,NULL,NULL,X'C6FD8831DCAEFDE095A5EDD68A47273C18F7797534E4AE7278FB573584192DE5');
INSERT INTO "commit_log" VALUES(18,1772586000000000,X'FAF40C5C555F391DD3411925D0207A47A5D8029DC9F712B3DC1BA8A6D84AFF26',1,NULL,0,NULL,NULL,X'4223E584D7C346DAE1DA14ECBD002958637C896AC1018210F21A0F9D8C51EF95');
INSERT INTO "commit_log" VALUES(19,1772586000000000,X'069176EBCD390BB157A8346FEEFE744572BB6ABBCBFA1426EE9F7FD68F2872F0',1,NULL,0,NULL,NULL,X'B26FC38C6C3EE43FE7ABA221A39A4D21633AA772C91960C5313428D2C72F8003');
INSERT INTO "commit_log" VALUES(20,1772586000000000,X'132A0914E92B18BA611A24A8084CE99093093DB22E4DD7FB890B59100578371E',0,NULL,0,NULL,NULL,X'2FC11952FF6B8A95D0D5AAC5497DCDD1FADE58B6B3C9D08A592A2E05C456CA22');
INSERT INTO "commit_log" VALUES(21,1772586000000000,X'606CA7308100E1637839A5C7C04138C102E872190ABA4C64B0F5B5FD87D74D01',1,NULL,0,NULL,NULL,X'4779B83C3962D9E3D4E21F5459B8F988F1FDBD5A41B38CCD239EB57C3920785D');
INSERT INTO "commit_log" VALUES(22,1772586000000000,X'132A0914E92B18BA611A24A8084CE99093093DB22E4DD7FB890B59100578371E',0,NULL,0,NULL,NULL,X'8A91986CC136E4550B7CF56F9B2966754E4E7F978536533B3A2B556046D93B2E');
INSERT INTO "commit_log" VALUES(23,1772586000000000,X'74266C5BD6BF3877E81C07BF9C2ACCFA4E5319C381698D9394F6B223CD7DA548',1,NULL,0,NULL,NULL,X'AD040EF42A15ABC3ED75A72F913C1EB95A6CE622F70414400DFB864CC8AB6A36');
INSERT INTO "commit_log" VALUES(24,1772586000000000,X'2E52465EFA88742FC2B492EE34807A6A19C30F1E57AE300FAA7208BD03549949',1,NULL,0,NULL,NULL,X'13E81E1BF1C2D9D419D130D364E40A7DCCE0F9B733A6EE9ACB069492AB58FFBB');
CREATE TABLE dispatch (
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
INSERT INTO "dispatch" VALUES(1,1,NULL,1,'sent','["U1", "U2", "U3"]','unit',4,NULL,0,0,3,12,0,0,3,1772413200000000,NULL,NULL,NULL,1772413200000000,4);
INSERT INTO "dispatch" VALUES(2,1,1,2,'sent','["U2", "U4"]','unit',4,NULL,0,0,2,8,0,0,3,1772586000000000,NULL,NULL,NULL,1772586000000000,5);
INSERT INTO "dispatch" VALUES(3,2,NULL,3,'sent','["U1", "U5"]','unit',4,NULL,0,0,2,8,0,0,3,1772586000000000,NULL,NULL,NULL,1772586000000000,6);
INSERT INTO "dispatch" VALUES(4,3,NULL,4,'sent','["U1", "U2"]','unit',4,NULL,0,0,2,8,0,0,3,1772586000000000,NULL,NULL,NULL,1772586000000000,3);
INSERT INTO "dispatch" VALUES(5,4,NULL,5,'sending','["U5"]','unit',4,NULL,0,0,1,4,0,0,3,1772586000000000,NULL,NULL,NULL,NULL,0);
CREATE TABLE distribution (
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
INSERT INTO "distribution" VALUES(1,2,1,'to',1,'archived',1772413200000000,1772499600000000,0,1772672400000000,1772413200000000,1772413200000000,1772413200000000,5,0,0,12,1772413200000000,1772586000000000,1772586000000000,NULL,NULL,NULL,NULL,1);
INSERT INTO "distribution" VALUES(1,3,2,'to',1,'unsigned',1772586000000000,1772672400000000,0,1772845200000000,1772586000000000,NULL,NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2);
INSERT INTO "distribution" VALUES(1,4,1,'to',1,'signed',1772413200000000,1772499600000000,0,1772672400000000,1772413200000000,NULL,1772586000000000,8,1,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1);
INSERT INTO "distribution" VALUES(1,5,2,'to',1,'unsigned',1772586000000000,1772672400000000,0,1772845200000000,1772586000000000,NULL,NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1);
INSERT INTO "distribution" VALUES(2,2,3,'to',1,'recalled',1772586000000000,1772672400000000,0,1772845200000000,1772586000000000,NULL,NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1772586000000000,1);
INSERT INTO "distribution" VALUES(2,6,3,'to',1,'recalled',1772586000000000,1772672400000000,0,1772845200000000,1772586000000000,NULL,NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1772586000000000,1);
INSERT INTO "distribution" VALUES(3,2,4,'to',1,'unsigned',1772586000000000,1772672400000000,0,1772845200000000,1772586000000000,NULL,NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1);
INSERT INTO "distribution" VALUES(3,3,4,'to',1,'unsigned',1772586000000000,1772672400000000,0,1772845200000000,1772586000000000,NULL,NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1);
CREATE TABLE document (
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
INSERT INTO "document" VALUES(1,'notice','关于召开防汛工作会议的通知','云政办发〔2026〕7号','ordinary','read','internal',1,'各县区、市直各部门：……','{"co_issuers":[],"elements":{},"has_letterhead":false,"has_seal":false}',NULL,0,X'ECC1A6147382801CF1CC7D0D64879F44E284A7A88A24D51DB906DE294D5B6B0D',3,1772413200000000,NULL,NULL,NULL);
INSERT INTO "document" VALUES(2,'notice','关于开展检查的通知','云政办发〔2026〕7号','ordinary','read','internal',1,'各县区、市直各部门：……','{"co_issuers":[],"elements":{},"has_letterhead":false,"has_seal":false}',NULL,0,X'7F378C2B8D0BF449BB5E79F9C3FDEB9C13599A2079A5C6FF05C8EB7B71D65231',3,1772586000000000,1772586000000000,3,'内容有误');
INSERT INTO "document" VALUES(3,'meeting_notice','会议通知','云政办发〔2026〕7号','ordinary','read','internal',1,'各县区、市直各部门：……','{"co_issuers":[],"elements":{},"has_letterhead":false,"has_seal":false}',NULL,0,X'83DAF8B8E9DE3CF42341A0D4C453DDECF88290CAA4ACADB1DAEE4A032DE4E6B0',3,1772586000000000,NULL,NULL,NULL);
INSERT INTO "document" VALUES(4,'notice','尚未分发的通知','云政办发〔2026〕7号','ordinary','read','internal',1,'各县区、市直各部门：……','{"co_issuers":[],"elements":{},"has_letterhead":false,"has_seal":false}',NULL,0,X'1F307DEE3008069FEF2B81CF1560C32DD33B525BCDC8B17083DC8BDBCD4F2BCC',3,1772586000000000,NULL,NULL,NULL);
CREATE TABLE document_gram (
    gram text not null,
    document_id bigint not null,
    primary key (gram, document_id)
) without rowid;
INSERT INTO "document_gram" VALUES('0',1);
INSERT INTO "document_gram" VALUES('0',2);
INSERT INTO "document_gram" VALUES('0',3);
INSERT INTO "document_gram" VALUES('0',4);
INSERT INTO "document_gram" VALUES('02',1);
INSERT INTO "document_gram" VALUES('02',2);
INSERT INTO "document_gram" VALUES('02',3);
INSERT INTO "document_gram" VALUES('02',4);
INSERT INTO "document_gram" VALUES('2',1);
INSERT INTO "document_gram" VALUES('2',2);
INSERT INTO "document_gram" VALUES('2',3);
INSERT INTO "document_gram" VALUES('2',4);
INSERT INTO "document_gram" VALUES('20',1);
INSERT INTO "document_gram" VALUES('20',2);
INSERT INTO "document_gram" VALUES('20',3);
INSERT INTO "document_gram" VALUES('20',4);
INSERT INTO "document_gram" VALUES('26',1);
INSERT INTO "document_gram" VALUES('26',2);
INSERT INTO "document_gram" VALUES('26',3);
INSERT INTO "document_gram" VALUES('26',4);
INSERT INTO "document_gram" VALUES('6',1);
INSERT INTO "document_gram" VALUES('6',2);
INSERT INTO "document_gram" VALUES('6',3);
INSERT INTO "document_gram" VALUES('6',4);
INSERT INTO "document_gram" VALUES('67',1);
INSERT INTO "document_gram" VALUES('67',2);
INSERT INTO "document_gram" VALUES('67',3);
INSERT INTO "document_gram" VALUES('67',4);
INSERT INTO "document_gram" VALUES('7',1);
INSERT INTO "document_gram" VALUES('7',2);
INSERT INTO "document_gram" VALUES('7',3);
INSERT INTO "document_gram" VALUES('7',4);
INSERT INTO "document_gram" VALUES('7号',1);
INSERT INTO "document_gram" VALUES('7号',2);
INSERT INTO "document_gram" VALUES('7号',3);
INSERT INTO "document_gram" VALUES('7号',4);
INSERT INTO "document_gram" VALUES('于',1);
INSERT INTO "document_gram" VALUES('于',2);
INSERT INTO "document_gram" VALUES('于召',1);
INSERT INTO "document_gram" VALUES('于开',2);
INSERT INTO "document_gram" VALUES('云',1);
INSERT INTO "document_gram" VALUES('云',2);
INSERT INTO "document_gram" VALUES('云',3);
INSERT INTO "document_gram" VALUES('云',4);
INSERT INTO "document_gram" VALUES('云政',1);
INSERT INTO "document_gram" VALUES('云政',2);
INSERT INTO "document_gram" VALUES('云政',3);
INSERT INTO "document_gram" VALUES('云政',4);
INSERT INTO "document_gram" VALUES('云水',1);
INSERT INTO "document_gram" VALUES('云水',2);
INSERT INTO "document_gram" VALUES('云水',3);
INSERT INTO "document_gram" VALUES('云水',4);
INSERT INTO "document_gram" VALUES('会',1);
INSERT INTO "document_gram" VALUES('会',3);
INSERT INTO "document_gram" VALUES('会议',1);
INSERT INTO "document_gram" VALUES('会议',3);
INSERT INTO "document_gram" VALUES('作',1);
INSERT INTO "document_gram" VALUES('作会',1);
INSERT INTO "document_gram" VALUES('公',1);
INSERT INTO "document_gram" VALUES('公',2);
INSERT INTO "document_gram" VALUES('公',3);
INSERT INTO "document_gram" VALUES('公',4);
INSERT INTO "document_gram" VALUES('公室',1);
INSERT INTO "document_gram" VALUES('公室',2);
INSERT INTO "document_gram" VALUES('公室',3);
INSERT INTO "document_gram" VALUES('公室',4);
INSERT INTO "document_gram" VALUES('关',1);
INSERT INTO "document_gram" VALUES('关',2);
INSERT INTO "document_gram" VALUES('关于',1);
INSERT INTO "document_gram" VALUES('关于',2);
INSERT INTO "document_gram" VALUES('分',4);
INSERT INTO "document_gram" VALUES('分发',4);
INSERT INTO "document_gram" VALUES('办',1);
INSERT INTO "document_gram" VALUES('办',2);
INSERT INTO "document_gram" VALUES('办',3);
INSERT INTO "document_gram" VALUES('办',4);
INSERT INTO "document_gram" VALUES('办公',1);
INSERT INTO "document_gram" VALUES('办公',2);
INSERT INTO "document_gram" VALUES('办公',3);
INSERT INTO "document_gram" VALUES('办公',4);
INSERT INTO "document_gram" VALUES('办发',1);
INSERT INTO "document_gram" VALUES('办发',2);
INSERT INTO "document_gram" VALUES('办发',3);
INSERT INTO "document_gram" VALUES('办发',4);
INSERT INTO "document_gram" VALUES('发',1);
INSERT INTO "document_gram" VALUES('发',2);
INSERT INTO "document_gram" VALUES('发',3);
INSERT INTO "document_gram" VALUES('发',4);
INSERT INTO "document_gram" VALUES('发2',1);
INSERT INTO "document_gram" VALUES('发2',2);
INSERT INTO "document_gram" VALUES('发2',3);
INSERT INTO "document_gram" VALUES('发2',4);
INSERT INTO "document_gram" VALUES('发的',4);
INSERT INTO "document_gram" VALUES('召',1);
INSERT INTO "document_gram" VALUES('召开',1);
INSERT INTO "document_gram" VALUES('号',1);
INSERT INTO "document_gram" VALUES('号',2);
INSERT INTO "document_gram" VALUES('号',3);
INSERT INTO "document_gram" VALUES('号',4);
INSERT INTO "document_gram" VALUES('室',1);
INSERT INTO "document_gram" VALUES('室',2);
INSERT INTO "document_gram" VALUES('室',3);
INSERT INTO "document_gram" VALUES('室',4);
INSERT INTO "document_gram" VALUES('尚',4);
INSERT INTO "document_gram" VALUES('尚未',4);
INSERT INTO "document_gram" VALUES('展',2);
INSERT INTO "document_gram" VALUES('展检',2);
INSERT INTO "document_gram" VALUES('工',1);
INSERT INTO "document_gram" VALUES('工作',1);
INSERT INTO "document_gram" VALUES('市',1);
INSERT INTO "document_gram" VALUES('市',2);
INSERT INTO "document_gram" VALUES('市',3);
INSERT INTO "document_gram" VALUES('市',4);
INSERT INTO "document_gram" VALUES('市政',1);
INSERT INTO "document_gram" VALUES('市政',2);
INSERT INTO "document_gram" VALUES('市政',3);
INSERT INTO "document_gram" VALUES('市政',4);
INSERT INTO "document_gram" VALUES('府',1);
INSERT INTO "document_gram" VALUES('府',2);
INSERT INTO "document_gram" VALUES('府',3);
INSERT INTO "document_gram" VALUES('府',4);
INSERT INTO "document_gram" VALUES('府办',1);
INSERT INTO "document_gram" VALUES('府办',2);
INSERT INTO "document_gram" VALUES('府办',3);
INSERT INTO "document_gram" VALUES('府办',4);
INSERT INTO "document_gram" VALUES('开',1);
INSERT INTO "document_gram" VALUES('开',2);
INSERT INTO "document_gram" VALUES('开展',2);
INSERT INTO "document_gram" VALUES('开防',1);
INSERT INTO "document_gram" VALUES('政',1);
INSERT INTO "document_gram" VALUES('政',2);
INSERT INTO "document_gram" VALUES('政',3);
INSERT INTO "document_gram" VALUES('政',4);
INSERT INTO "document_gram" VALUES('政办',1);
INSERT INTO "document_gram" VALUES('政办',2);
INSERT INTO "document_gram" VALUES('政办',3);
INSERT INTO "document_gram" VALUES('政办',4);
INSERT INTO "document_gram" VALUES('政府',1);
INSERT INTO "document_gram" VALUES('政府',2);
INSERT INTO "document_gram" VALUES('政府',3);
INSERT INTO "document_gram" VALUES('政府',4);
INSERT INTO "document_gram" VALUES('未',4);
INSERT INTO "document_gram" VALUES('未分',4);
INSERT INTO "document_gram" VALUES('查',2);
INSERT INTO "document_gram" VALUES('查的',2);
INSERT INTO "document_gram" VALUES('检',2);
INSERT INTO "document_gram" VALUES('检查',2);
INSERT INTO "document_gram" VALUES('水',1);
INSERT INTO "document_gram" VALUES('水',2);
INSERT INTO "document_gram" VALUES('水',3);
INSERT INTO "document_gram" VALUES('水',4);
INSERT INTO "document_gram" VALUES('水市',1);
INSERT INTO "document_gram" VALUES('水市',2);
INSERT INTO "document_gram" VALUES('水市',3);
INSERT INTO "document_gram" VALUES('水市',4);
INSERT INTO "document_gram" VALUES('汛',1);
INSERT INTO "document_gram" VALUES('汛工',1);
INSERT INTO "document_gram" VALUES('的',1);
INSERT INTO "document_gram" VALUES('的',2);
INSERT INTO "document_gram" VALUES('的',4);
INSERT INTO "document_gram" VALUES('的通',1);
INSERT INTO "document_gram" VALUES('的通',2);
INSERT INTO "document_gram" VALUES('的通',4);
INSERT INTO "document_gram" VALUES('知',1);
INSERT INTO "document_gram" VALUES('知',2);
INSERT INTO "document_gram" VALUES('知',3);
INSERT INTO "document_gram" VALUES('知',4);
INSERT INTO "document_gram" VALUES('议',1);
INSERT INTO "document_gram" VALUES('议',3);
INSERT INTO "document_gram" VALUES('议的',1);
INSERT INTO "document_gram" VALUES('议通',3);
INSERT INTO "document_gram" VALUES('通',1);
INSERT INTO "document_gram" VALUES('通',2);
INSERT INTO "document_gram" VALUES('通',3);
INSERT INTO "document_gram" VALUES('通',4);
INSERT INTO "document_gram" VALUES('通知',1);
INSERT INTO "document_gram" VALUES('通知',2);
INSERT INTO "document_gram" VALUES('通知',3);
INSERT INTO "document_gram" VALUES('通知',4);
INSERT INTO "document_gram" VALUES('防',1);
INSERT INTO "document_gram" VALUES('防汛',1);
CREATE TABLE entry_change (
    person_id bigint not null,
    commit_no bigint not null,
    send_no bigint not null,
    primary key (person_id, commit_no, send_no)
) without rowid;
INSERT INTO "entry_change" VALUES(5,7,1);
INSERT INTO "entry_change" VALUES(5,8,1);
INSERT INTO "entry_change" VALUES(6,8,1);
INSERT INTO "entry_change" VALUES(12,9,1);
INSERT INTO "entry_change" VALUES(3,10,1);
INSERT INTO "entry_change" VALUES(4,10,1);
INSERT INTO "entry_change" VALUES(7,10,1);
INSERT INTO "entry_change" VALUES(4,12,1);
INSERT INTO "entry_change" VALUES(7,12,1);
INSERT INTO "entry_change" VALUES(8,14,1);
INSERT INTO "entry_change" VALUES(12,15,1);
INSERT INTO "entry_change" VALUES(2,20,3);
INSERT INTO "entry_change" VALUES(5,20,3);
INSERT INTO "entry_change" VALUES(6,20,3);
INSERT INTO "entry_change" VALUES(10,20,3);
INSERT INTO "entry_change" VALUES(11,20,3);
INSERT INTO "entry_change" VALUES(19,20,3);
CREATE TABLE exemption (
    id integer primary key,
    kind text not null,
    basis text not null,
    from_day integer not null,
    to_day integer,
    created_by bigint not null,
    created_at bigint not null
);
CREATE TABLE handling (
    id integer primary key,
    document_id bigint not null,
    unit_id bigint not null,
    handler_id bigint not null,
    assigned_by bigint not null,
    assigned_at bigint not null,
    due_at bigint not null,
    note text not null
);
INSERT INTO "handling" VALUES(1,1,2,12,5,1772413200000000,1772672400000000,'请办理');
CREATE TABLE hot_send (
    send_no bigint not null primary key,
    merged_to bigint not null default 0
);
INSERT INTO "hot_send" VALUES(3,0);
INSERT INTO "hot_send" VALUES(4,0);
INSERT INTO "hot_send" VALUES(5,0);
CREATE TABLE idempotency (
    owner bigint not null,              -- account id, negative: API key id
    key text not null,
    route text not null,
    body_hash blob not null,
    status integer not null,
    answer blob not null,
    at bigint not null,
    primary key (owner, key)
) without rowid;
CREATE TABLE inbox (
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
INSERT INTO "inbox" VALUES(1,1,6,'from_above','to_do',NULL,NULL,NULL);
INSERT INTO "inbox" VALUES(2,1,5,'from_above','to_read',NULL,NULL,NULL);
INSERT INTO "inbox" VALUES(3,1,5,'outgoing','to_read',NULL,NULL,NULL);
INSERT INTO "inbox" VALUES(4,1,5,'from_above','to_do',NULL,NULL,NULL);
INSERT INTO "inbox" VALUES(5,1,5,'from_above','done',NULL,1772413200000000,1772413200000000);
INSERT INTO "inbox" VALUES(6,1,5,'from_above','done',NULL,NULL,1772413200000000);
INSERT INTO "inbox" VALUES(7,1,5,'from_above','to_do',NULL,NULL,NULL);
INSERT INTO "inbox" VALUES(8,1,6,'from_above','done',NULL,NULL,1772586000000000);
INSERT INTO "inbox" VALUES(9,2,12,'from_above','to_do',NULL,NULL,NULL);
INSERT INTO "inbox" VALUES(11,1,5,'from_above','to_read',NULL,NULL,NULL);
INSERT INTO "inbox" VALUES(12,1,9,'other_incoming','done',NULL,NULL,1772586000000000);
INSERT INTO "inbox" VALUES(13,1,5,'from_above','to_read',NULL,NULL,NULL);
INSERT INTO "inbox" VALUES(15,1,6,'from_above','to_read',NULL,NULL,NULL);
INSERT INTO "inbox" VALUES(17,2,12,'from_above','to_read',NULL,NULL,NULL);
CREATE TABLE inbox_count (
    person_id bigint not null,
    folder text not null,
    total bigint not null,
    pending bigint not null,
    primary key (person_id, folder)
) without rowid;
INSERT INTO "inbox_count" VALUES(1,'from_above',1,1);
INSERT INTO "inbox_count" VALUES(2,'from_above',1,1);
INSERT INTO "inbox_count" VALUES(3,'outgoing',1,1);
INSERT INTO "inbox_count" VALUES(4,'from_above',1,1);
INSERT INTO "inbox_count" VALUES(5,'from_above',1,0);
INSERT INTO "inbox_count" VALUES(6,'from_above',1,0);
INSERT INTO "inbox_count" VALUES(7,'from_above',1,1);
INSERT INTO "inbox_count" VALUES(8,'from_above',1,0);
INSERT INTO "inbox_count" VALUES(9,'from_above',1,1);
INSERT INTO "inbox_count" VALUES(11,'from_above',1,1);
INSERT INTO "inbox_count" VALUES(12,'other_incoming',1,0);
INSERT INTO "inbox_count" VALUES(13,'from_above',1,1);
INSERT INTO "inbox_count" VALUES(15,'from_above',1,1);
INSERT INTO "inbox_count" VALUES(17,'from_above',1,1);
CREATE TABLE inbox_hot (
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
INSERT INTO "inbox_hot" VALUES(3,2,17,'from_above','withdrawn',NULL,NULL,1772586000000000);
INSERT INTO "inbox_hot" VALUES(3,3,17,'outgoing','read',NULL,NULL,1772586000000000);
INSERT INTO "inbox_hot" VALUES(3,5,17,'from_above','withdrawn',NULL,NULL,1772586000000000);
INSERT INTO "inbox_hot" VALUES(3,6,17,'from_above','withdrawn',NULL,NULL,1772586000000000);
INSERT INTO "inbox_hot" VALUES(3,10,17,'from_above','withdrawn',NULL,NULL,1772586000000000);
INSERT INTO "inbox_hot" VALUES(3,11,17,'from_above','withdrawn',NULL,NULL,1772586000000000);
INSERT INTO "inbox_hot" VALUES(3,19,17,'from_above','withdrawn',NULL,NULL,1772586000000000);
INSERT INTO "inbox_hot" VALUES(4,2,22,'from_above','to_read',NULL,NULL,NULL);
INSERT INTO "inbox_hot" VALUES(4,3,22,'outgoing','read',NULL,NULL,1772586000000000);
INSERT INTO "inbox_hot" VALUES(4,4,22,'from_above','to_do',NULL,NULL,NULL);
INSERT INTO "inbox_hot" VALUES(4,5,22,'from_above','to_do',NULL,NULL,NULL);
INSERT INTO "inbox_hot" VALUES(4,6,22,'from_above','to_do',NULL,NULL,NULL);
INSERT INTO "inbox_hot" VALUES(4,7,22,'from_above','to_do',NULL,NULL,NULL);
INSERT INTO "inbox_hot" VALUES(4,11,22,'from_above','to_read',NULL,NULL,NULL);
INSERT INTO "inbox_hot" VALUES(4,13,22,'from_above','to_read',NULL,NULL,NULL);
CREATE TABLE installation (
    one integer primary key check (one = 1),
    epoch text not null
);
INSERT INTO "installation" VALUES(1,'460e7c82eea92f7e');
CREATE TABLE line (
    id integer primary key,
    code text not null unique,
    name text not null
);
INSERT INTO "line" VALUES(1,'L1','水务');
INSERT INTO "line" VALUES(2,'L2','教育');
CREATE TABLE login (
    id integer primary key,
    account_id bigint not null references account (id),
    at bigint not null,
    origin text not null,
    interactive integer not null check (interactive in (0, 1))  -- 登录次数 counts interactive ones only
);
CREATE TABLE login_session (
    id text primary key,                -- stands in access tokens as "sid"
    chain text not null unique,         -- stands in refresh tokens only: whoever knows it holds, or held, one of them
    account_id bigint not null references account (id),
    digest blob not null,               -- SHA-256 of the good refresh token
    previous blob,                      -- of the one before: an answer lost on the way may be asked for again for a moment
    rotated_at bigint,
    refresh_until bigint not null,      -- idle end: moves with each refresh
    ends_at bigint not null,            -- absolute end
    created_at bigint not null,
    origin text not null,
    ended_at bigint,
    end_reason text
);
CREATE TABLE login_throttle (
    key text not null primary key,
    attempts integer not null,
    since_at bigint not null,
    until_at bigint
);
CREATE TABLE meeting (
    document_id bigint not null primary key references document (id),
    place text not null,
    starts_at bigint not null,
    ends_at bigint,
    reply_due_at bigint not null,
    seats integer not null,
    fields text not null,               -- JSON list of the extra fields asked for
    personal integer not null
);
INSERT INTO "meeting" VALUES(3,'市政府一楼会议室',1772758800000000,NULL,1772672400000000,1,'[]',1);
CREATE TABLE meeting_personal (
    document_id bigint not null,
    person_id bigint not null,
    unit_id bigint not null,
    answer text not null check (answer in ('yes', 'no', 'leave')),
    reason text not null,
    at bigint not null,
    primary key (document_id, person_id)
) without rowid;
CREATE TABLE meeting_receipt (
    document_id bigint not null,
    unit_id bigint not null,
    version integer not null,           -- changes until the deadline keep the earlier answers
    answered_at bigint not null,
    answered_by bigint not null,
    attendees text not null,            -- JSON, phone numbers sealed
    note text not null,
    primary key (document_id, unit_id, version)
) without rowid;
CREATE TABLE online_peak (
    day integer not null,
    bin integer not null,               -- 5-minute bin of the day, 0..287
    peak integer not null,
    primary key (day, bin)
) without rowid;
CREATE TABLE opinion (
    id integer primary key,
    document_id bigint not null,
    unit_id bigint not null,
    person_id bigint not null,
    at bigint not null,
    text text not null
);
CREATE TABLE org_link (
    kind text not null check (kind in ('region_region', 'unit_region', 'unit_line')),
    child_id bigint not null,
    parent_id bigint not null,
    from_at bigint not null,
    to_at bigint,
    primary key (kind, child_id, from_at),
    check (to_at is null or to_at > from_at)
) without rowid;
INSERT INTO "org_link" VALUES('region_region',2,1,0,NULL);
INSERT INTO "org_link" VALUES('region_region',3,2,0,NULL);
INSERT INTO "org_link" VALUES('region_region',4,1,0,NULL);
INSERT INTO "org_link" VALUES('unit_line',2,1,0,NULL);
INSERT INTO "org_link" VALUES('unit_line',3,2,0,NULL);
INSERT INTO "org_link" VALUES('unit_line',5,1,0,NULL);
INSERT INTO "org_link" VALUES('unit_line',6,2,0,NULL);
INSERT INTO "org_link" VALUES('unit_region',1,1,0,NULL);
INSERT INTO "org_link" VALUES('unit_region',2,2,0,NULL);
INSERT INTO "org_link" VALUES('unit_region',3,2,0,NULL);
INSERT INTO "org_link" VALUES('unit_region',4,3,0,NULL);
INSERT INTO "org_link" VALUES('unit_region',5,4,0,NULL);
INSERT INTO "org_link" VALUES('unit_region',6,4,0,NULL);
CREATE TABLE org_version (
    one integer primary key check (one = 1),
    version bigint not null,
    swept_at bigint not null            -- dated posts and freezes up to here are reflected in addressee
);
INSERT INTO "org_version" VALUES(1,2,1772413200000000);
CREATE TABLE password_history (
    id integer primary key,
    account_id bigint not null references account (id),
    password_hash text not null,
    at bigint not null
);
CREATE TABLE person (
    id integer primary key,
    code text not null unique,
    name text not null,
    phone_sealed blob,                  -- AES-SIV under phone_key; never in clear
    phone_key integer,
    phone_lookup blob unique            -- keyed hash: finds a number without opening any
);
INSERT INTO "person" VALUES(1,'both','人员1',X'5818D78C804B9E423189A4CB0215E51228F7A948411565BCA7EE03',1,X'F47D29AB6734A7A1AD50100153F710C616DA332992E38865523E81F2FAB257D1');
INSERT INTO "person" VALUES(2,'mixed','人员2',X'373439C03156D071CC595414DA4A2E248BD211B4867DF4BF647DFB',1,X'592AF79F8D13B2FF06AC955EDA21C1083C8D082C2D366E5811DE311EEB1F3976');
INSERT INTO "person" VALUES(3,'s0-a','人员3',X'4AD4745258913D593672C2D805D2D81BDEB01391F237DF29CD8758',1,X'5F508AE46C2E3C72C63AC46D02F7A29E11C85EACCEC4414D5EE7AF2F2C1E8CB0');
INSERT INTO "person" VALUES(4,'s0-b','人员4',X'98739D327D3525787CCE858C268770F85920B69C445A98F6BC04E2',1,X'A5A441F60C0A15727D9B4CB0147E7E1E5AAFBE9562689EEEAB090C7C6CA62C7A');
INSERT INTO "person" VALUES(5,'u1-a','人员5',X'4FE36B5D21A2DE2BB59C2E58EB09FE4A77C6101B7334EC67E14D6A',1,X'C314021F654B9C261A60FAAF2441A4E1A22648FD6154584E989C5A4306B62B3F');
INSERT INTO "person" VALUES(6,'u1-b','人员6',X'98B22B4E8C8737ADA9AE683F29895C68A8934A302A370CA0F8CDAC',1,X'F5FBC30DF4C0D006213B066AD0F484A6BBC12FE014C0E840E67BE6ABF4029031');
INSERT INTO "person" VALUES(7,'u2-a','人员7',X'6A0E446F47CC8752A33D3EF1F2500A1CD56E75183455C3AA6D22DB',1,X'F1E953D8004E287308F060632FF7D100FDA1690B38537ADCB48C5509BCFB3364');
INSERT INTO "person" VALUES(8,'u3-b','人员8',X'D159C258622CB3336D42244A92141AD46FC80A1D531234528C76F7',1,X'9EBC7650580D84A14A99992362E51103A87BEC44BC01D7A35100B6D0DA0B0732');
INSERT INTO "person" VALUES(9,'u4-a','人员9',X'2AF7AF4E7EB80E8736E10760E805FAB688EC774D1BB49BAEA7BCFF',1,X'7BC482C14866F50AC9BB0FE72022A6320CE26FCD4DBD02453543561A8BC20231');
INSERT INTO "person" VALUES(10,'u5-a','人员10',X'21FFD085E869E9F87D52A531A657AF0896AEAB128625CD27F5239C',1,X'D00B8AF14C1068309685B74364D7C582274845DEED9DE64B3D835E48C454FD62');
INSERT INTO "person" VALUES(11,'u1-lead','人员11',X'70288E7E4F548E7B64F67469F471C4DC9668E00A4F39D9F1EEAC0B',1,X'50A4513837F24041B6656BD78EFC77EA74541AD7D6D510CF8BED9495793F931E');
INSERT INTO "person" VALUES(12,'u1-staff','人员12',X'3FF956B89F69D9065AD1638D8278EC85CCC5C2E842AC671FF30F64',1,X'6A7DC8968B43980ED9EFACAD89164117DCF65B66B25509F0F431EEF0FEBF0068');
INSERT INTO "person" VALUES(13,'u2-lead','人员13',X'D81D124B66D0526C240216E6F901F0BD92E2978C8CE296101D2D66',1,X'0135FF758F1D464CB161AAD149031D586E32290811EDFDA7B8EEDD068F189985');
INSERT INTO "person" VALUES(14,'u2-staff','人员14',X'5E0E012EBDDFF9B57A3F98D686C9C6E9810D4900D638AA23A3D8CA',1,X'E6195D9179E5704B1909568F701F0DF921AAEB30AC6F2B14D3F54594B618EFE0');
INSERT INTO "person" VALUES(15,'u3-lead','人员15',X'0B0246C3AA346118D1A639DA852D998C26D9B8666AB7B550669027',1,X'797483C84202B2C401F9FC6365EAE3AE6E6A2A45CE2D0C803F90D32B63E8BA8B');
INSERT INTO "person" VALUES(16,'u3-staff','人员16',X'CC0417259B8268EC7F31587F1362875DD86AAE068BEA0C7B916A2D',1,X'54274C6805677C0BD994FA9B5B5F30426B63AE81E13DDD8529E662A6C1BE57A3');
INSERT INTO "person" VALUES(17,'u4-lead','人员17',X'8AC6F7728DC9559D4FF668EE8E03BE8997C37BD0D9F8528D4E5D5E',1,X'4CD962BC5D9FC3D83CFB6747E3FCC7DE6BFCC2006E908FED0DC0CF0BBC20CAE4');
INSERT INTO "person" VALUES(18,'u4-staff','人员18',X'7918CA0F1B15FE7C4F6E9C80C828DB7F017AD6BA8F0B2010B23BE4',1,X'3807CA47BC462A67E83EC26F816808624F3B4FF55C2B98FCB9BB1E8CC8587209');
INSERT INTO "person" VALUES(19,'u5-lead','人员19',X'ED9D30BB2EBC2B8172261FD93822D502ACFF60D81FA28C92092382',1,X'0A1306B0B6ACD6737A1FCFC53D5CDA1D769E0FA55C48EEB22172A7712F17BD07');
INSERT INTO "person" VALUES(20,'u5-staff','人员20',X'E89924959C958F94B9B8222048B685761F220F425CFEEC1B8EB4E4',1,X'2BC0B7456FF73B72911F37986F56B920AAD33A0987CA71E60A32BD1850C603AA');
CREATE TABLE receipt_key (
    key_id text not null primary key,
    public_key blob not null,           -- kept for ever: old receipts stay verifiable
    from_at bigint not null
);
INSERT INTO "receipt_key" VALUES('41b54d07d0c0cec4',X'D64257D5E26D145012032B8ED8CCBB4B84459C14055F2AE7732D8B70A57B2C51',1772413200000000);
CREATE TABLE region (
    id integer primary key,
    code text not null unique,
    name text not null,
    level text not null check (level in ('city', 'county', 'township', 'village'))
);
INSERT INTO "region" VALUES(1,'100','云水市','city');
INSERT INTO "region" VALUES(2,'110','东川县','county');
INSERT INTO "region" VALUES(3,'111','柳林镇','township');
INSERT INTO "region" VALUES(4,'120','西岭县','county');
CREATE TABLE saved_scope (
    id integer primary key,
    unit_id bigint not null,
    name text not null,
    scope text not null,
    created_by bigint not null,
    created_at bigint not null,
    unique (unit_id, name)
);
CREATE TABLE schema_step (name text primary key, sha256 text not null, at bigint not null);
INSERT INTO "schema_step" VALUES('0001_organisation.sql','45eeed97307d44cfa6fb7903141ddc8ea6f53309abd8f22995d2bc6790b9f79e',1772413200000000);
INSERT INTO "schema_step" VALUES('0002_access.sql','f84981a5cbef6b1bc46faa1e3ea552a583d6806c43f40f7134f94071898ff6ef',1772413200000000);
INSERT INTO "schema_step" VALUES('0003_delivery.sql','799ca3855e1a2ce470f959cfc22bf4802653533eff777b0c1101fa55d48e7423',1772413200000000);
INSERT INTO "schema_step" VALUES('0004_trace.sql','4c01b957be4d63caba735238be14391001fe7633944fdf778e27adadf86e4ba9',1772413200000000);
INSERT INTO "schema_step" VALUES('0005_work.sql','38b4b591c2f1acb3e4d0b1f37a506f34d83528e135f7890d2b44a6bf485c2d05',1772413200000000);
CREATE TABLE seat (
    document_id bigint not null,
    unit_id bigint not null,
    name text not null,
    seat text not null,
    primary key (document_id, unit_id, name)
) without rowid;
CREATE TABLE section (
    id integer primary key,
    unit_id bigint not null references unit (id),
    code text not null,
    name text not null,
    unique (unit_id, code)
);
INSERT INTO "section" VALUES(1,2,'1','办公室');
CREATE TABLE send_commit (
    commit_no bigint not null,
    send_no bigint not null,
    primary key (commit_no, send_no)
) without rowid;
INSERT INTO "send_commit" VALUES(5,1);
INSERT INTO "send_commit" VALUES(6,1);
INSERT INTO "send_commit" VALUES(12,2);
INSERT INTO "send_commit" VALUES(17,3);
INSERT INTO "send_commit" VALUES(22,4);
CREATE TABLE sign_receipt (
    document_id bigint not null,
    unit_id bigint not null,
    commit_no bigint not null,
    no integer not null,                -- leaf number within the commit
    leaf blob not null,                 -- the canonical bytes that were signed for
    primary key (document_id, unit_id)
) without rowid;
INSERT INTO "sign_receipt" VALUES(1,2,8,0,X'7B2262756C6B223A66616C73652C22646576696365223A226465736B222C22646967657374223A2265636331613631343733383238303163663163633764306436343837396634346532383461376138386132346435316462393036646532393464356236623064222C22646F635F6E6F223A22E4BA91E694BFE58A9EE58F91E3809432303236E3809537E58FB7222C22646F63756D656E74223A312C227369676E65645F6174223A313737323431333230303030303030302C227369676E6572223A352C227369676E65725F6E616D65223A2275312D61222C22756E6974223A322C22756E69745F636F6465223A225531222C22756E69745F6E616D65223A22E4B89CE5B79DE58EBFE6B0B4E58AA1E5B180222C22756E72656164223A66616C73652C2276223A317D');
INSERT INTO "sign_receipt" VALUES(1,4,14,0,X'7B2262756C6B223A66616C73652C22646576696365223A226465736B222C22646967657374223A2265636331613631343733383238303163663163633764306436343837396634346532383461376138386132346435316462393036646532393464356236623064222C22646F635F6E6F223A22E4BA91E694BFE58A9EE58F91E3809432303236E3809537E58FB7222C22646F63756D656E74223A312C227369676E65645F6174223A313737323538363030303030303030302C227369676E6572223A382C227369676E65725F6E616D65223A2275332D62222C22756E6974223A342C22756E69745F636F6465223A225533222C22756E69745F6E616D65223A22E4B89CE5B79DE58EBFE69FB3E69E97E99587222C22756E72656164223A747275652C2276223A317D');
CREATE TABLE spent_token (
    jti text not null primary key,
    expires_at bigint not null
);
CREATE TABLE tally (
    measure text not null,              -- sign | unread | handling | meeting
    unit_id bigint not null,
    kind text not null,
    day integer not null,               -- yyyymmdd in Asia/Shanghai: sent day, or the day handling began
    outcome text not null,
    outcome_day integer not null,       -- yyyymmdd, 0 for none yet
    n bigint not null,
    primary key (measure, unit_id, day, kind, outcome, outcome_day)
) without rowid;
INSERT INTO "tally" VALUES('handling',2,'notice',20260302,'archived',20260304,1);
INSERT INTO "tally" VALUES('handling',2,'notice',20260302,'open',0,0);
INSERT INTO "tally" VALUES('meeting',2,'meeting_notice',20260304,'asked',0,1);
INSERT INTO "tally" VALUES('meeting',3,'meeting_notice',20260304,'asked',0,1);
INSERT INTO "tally" VALUES('sign',2,'notice',20260302,'on_time',20260302,1);
INSERT INTO "tally" VALUES('sign',2,'notice',20260302,'unsigned',0,0);
INSERT INTO "tally" VALUES('sign',2,'meeting_notice',20260304,'unsigned',0,1);
INSERT INTO "tally" VALUES('sign',2,'notice',20260304,'recalled',20260304,1);
INSERT INTO "tally" VALUES('sign',2,'notice',20260304,'unsigned',0,0);
INSERT INTO "tally" VALUES('sign',3,'notice',20260302,'returned',20260302,0);
INSERT INTO "tally" VALUES('sign',3,'notice',20260302,'unsigned',0,0);
INSERT INTO "tally" VALUES('sign',3,'meeting_notice',20260304,'unsigned',0,1);
INSERT INTO "tally" VALUES('sign',3,'notice',20260304,'unsigned',0,1);
INSERT INTO "tally" VALUES('sign',4,'notice',20260302,'late',20260304,1);
INSERT INTO "tally" VALUES('sign',4,'notice',20260302,'unsigned',0,0);
INSERT INTO "tally" VALUES('sign',5,'notice',20260304,'unsigned',0,1);
INSERT INTO "tally" VALUES('sign',6,'notice',20260304,'recalled',20260304,1);
INSERT INTO "tally" VALUES('sign',6,'notice',20260304,'unsigned',0,0);
INSERT INTO "tally" VALUES('unread',4,'notice',20260302,'signed_unread',20260304,1);
CREATE TABLE unit (
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
INSERT INTO "unit" VALUES(1,'S0','云水市政府办公室','云水市政府办公室','city_direct','[]',1,'live',1772413200000000,NULL,NULL);
INSERT INTO "unit" VALUES(2,'U1','东川县水务局','东川县水务局','county_direct','[]',1,'live',1772413200000000,NULL,NULL);
INSERT INTO "unit" VALUES(3,'U2','东川县教育局','东川县教育局','county_direct','[]',1,'live',1772413200000000,NULL,NULL);
INSERT INTO "unit" VALUES(4,'U3','东川县柳林镇','东川县柳林镇','township','[]',1,'live',1772413200000000,NULL,NULL);
INSERT INTO "unit" VALUES(5,'U4','西岭县水务局','西岭县水务局','county_direct','[]',1,'live',1772413200000000,NULL,NULL);
INSERT INTO "unit" VALUES(6,'U5','西岭县教育局','西岭县教育局','county_direct','[]',1,'live',1772413200000000,NULL,NULL);
CREATE TABLE unit_county (
    unit_id bigint not null primary key references unit (id),
    county_id bigint not null references region (id)
);
INSERT INTO "unit_county" VALUES(1,1);
INSERT INTO "unit_county" VALUES(2,2);
INSERT INTO "unit_county" VALUES(3,2);
INSERT INTO "unit_county" VALUES(5,4);
INSERT INTO "unit_county" VALUES(6,4);
INSERT INTO "unit_county" VALUES(4,2);
CREATE TABLE unit_succession (
    unit_id bigint not null primary key references unit (id),
    successor_id bigint not null references unit (id),
    kind text not null check (kind in ('merge', 'rename', 'abolish')),
    at bigint not null
);
CREATE TABLE work (
    id integer primary key,
    lane integer not null,              -- 0 urgent, 1 ordinary, 2 upkeep
    kind text not null,
    key text not null unique,           -- one row for one piece of work, however often it is put
    payload text not null,              -- JSON
    due_at bigint not null,
    lease_until bigint,
    fence bigint not null default 0,    -- grows with each claim: a late holder changes nothing
    attempts integer not null default 0
);
CREATE INDEX org_link_parent on org_link (kind, parent_id);
CREATE INDEX appointment_unit on appointment (unit_id, person_id);
CREATE INDEX appointment_from on appointment (from_at);
CREATE INDEX appointment_to on appointment (to_at) where to_at is not null;
CREATE INDEX account_frozen on account (frozen_from) where frozen_from is not null;
CREATE INDEX account_closed on account (closed_from) where closed_from is not null;
CREATE INDEX addressee_person on addressee (person_id, is_clerk);
CREATE INDEX login_at on login (at);
CREATE INDEX login_account on login (account_id, at);
CREATE INDEX login_session_account on login_session (account_id) where ended_at is null;
CREATE INDEX login_session_end on login_session (ends_at);
CREATE INDEX spent_token_expires on spent_token (expires_at);
CREATE INDEX login_throttle_since on login_throttle (since_at);
CREATE INDEX password_history_account on password_history (account_id, id);
CREATE INDEX api_key_unit on api_key (unit_id);
CREATE INDEX document_sender on document (sender_unit_id, id);
CREATE INDEX attachment_document on attachment (document_id, no);
CREATE INDEX dispatch_document on dispatch (document_id);
CREATE INDEX dispatch_open on dispatch (state) where state in ('held', 'sending');
CREATE INDEX distribution_unit on distribution (unit_id, document_id);
CREATE INDEX entry_change_commit on entry_change (commit_no);
CREATE INDEX handling_copy on handling (document_id, unit_id);
CREATE INDEX opinion_copy on opinion (document_id, unit_id);
CREATE INDEX idempotency_at on idempotency (at);
CREATE INDEX audit_subject on audit (subject, commit_no);
CREATE INDEX audit_actor on audit (actor, commit_no);
CREATE INDEX sign_receipt_commit on sign_receipt (commit_no, no);
CREATE TRIGGER audit_no_update before update on audit begin select raise(abort, 'audit is append-only'); end;
CREATE TRIGGER audit_no_delete before delete on audit begin select raise(abort, 'audit is append-only'); end;
CREATE TRIGGER commit_log_no_update before update on commit_log begin select raise(abort, 'commit_log is append-only'); end;
CREATE TRIGGER commit_log_no_delete before delete on commit_log begin select raise(abort, 'commit_log is append-only'); end;
CREATE TRIGGER sign_receipt_no_update before update on sign_receipt begin select raise(abort, 'sign_receipt is append-only'); end;
CREATE TRIGGER sign_receipt_no_delete before delete on sign_receipt begin select raise(abort, 'sign_receipt is append-only'); end;
CREATE INDEX work_due on work (lane, due_at);
COMMIT;
