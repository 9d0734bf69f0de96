-- The functions and the policy that depend on the table of users.
drop function find_user(text);
drop policy tenant_only on app_user;

alter table app_user rename to person;
alter table person rename constraint pk_app_user to pk_person;
alter table person rename constraint uq_app_user_email to uq_person_email;
alter table person add column name text, add column password_set_at timestamptz,
    alter column password_hash drop not null;

create table membership (
    tenant_id uuid not null
        constraint fk_membership_tenant_id references tenant (id) on delete cascade,
    person_id uuid not null
        constraint fk_membership_person_id references person (id) on delete cascade,
    role text not null,
    managed_by text,
    is_confined boolean not null default false,
    suspended_at timestamptz,
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    constraint pk_membership primary key (tenant_id, person_id)
);
create index ix_membership_person_id on membership (person_id);
create index ix_membership_tenant_id_created_at_person_id
    on membership (tenant_id, created_at, person_id);

create table session (
    id uuid not null constraint pk_session primary key,
    tenant_id uuid not null
        constraint fk_session_tenant_id references tenant (id) on delete cascade,
    person_id uuid not null,
    address text,
    user_agent text,
    ends_at timestamptz,
    is_confined boolean not null default false,
    created_at timestamptz not null default now(),
    last_used_at timestamptz not null default now(),
    constraint fk_session_tenant_id_person_id foreign key (tenant_id, person_id)
        references membership (tenant_id, person_id) on delete cascade
);
create index ix_session_tenant_id_person_id on session (tenant_id, person_id);
create index ix_session_person_id on session (person_id);

-- Row-level security is forced on the owner, too, so rows are copied as a role that sees all.
grant select, insert on membership, session to studio_service;
set local role studio_service;
insert into membership (tenant_id, person_id, role, created_at)
select tenant_id, id, role, created_at from person;
insert into session (id, tenant_id, person_id)
select distinct family, tenant_id, user_id from refresh_token
 where used_at is null and expires_at > now()
on conflict do nothing;
reset role;

-- The tokens of sessions that are over have no session. A later revision deletes them and validates the
-- constraint, because no user can sign in until the end of this one.
alter table refresh_token add constraint fk_refresh_token_family
    foreign key (family) references session (id) on delete cascade not valid;
alter table person drop column tenant_id, drop column role;

create table invitation (
    id uuid not null constraint pk_invitation primary key,
    tenant_id uuid not null
        constraint fk_invitation_tenant_id references tenant (id) on delete cascade,
    email text not null,
    role text not null,
    hash bytea not null constraint uq_invitation_hash unique,
    invited_by text not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    created_at timestamptz not null default now()
);
create unique index uq_invitation_open on invitation (tenant_id, email) where used_at is null;
create index ix_invitation_tenant_id_created_at_id on invitation (tenant_id, created_at, id);
create index ix_invitation_expires_at on invitation (expires_at);

create table password_reset (
    person_id uuid not null constraint pk_password_reset primary key
        constraint fk_password_reset_person_id references person (id) on delete cascade,
    hash bytea not null constraint uq_password_reset_hash unique,
    created_by text,
    expires_at timestamptz not null,
    created_at timestamptz not null default now()
);

create table mail (
    id uuid not null constraint pk_mail primary key,
    recipient text not null,
    key_id text not null,
    sealed bytea not null,
    reset_hash bytea,
    attempts integer not null default 0,
    expires_at timestamptz not null,
    next_attempt_at timestamptz not null default now(),
    created_at timestamptz not null default now()
);
create index ix_mail_next_attempt_at on mail (next_attempt_at);

create table access_change (
    id bigint generated always as identity constraint pk_access_change primary key,
    xid bigint not null default pg_current_xact_id()::text::bigint,
    at timestamptz not null default now(),
    tenant_id uuid,
    person_id uuid,
    session_id uuid,
    key_id uuid
);
create index ix_access_change_xid on access_change (xid);
create index ix_access_change_at on access_change (at);

-- What processes of the previous release know: a user belongs to one tenant. It shows no password,
-- which they read with find_user. They lock its rows, which must lock memberships and not people.
create view app_user with (security_invoker = true) as
    select m.person_id as id, (select p.email from person p where p.id = m.person_id) as email, m.role,
           ''::text as password_hash, m.created_at, m.tenant_id
      from membership m
     where m.suspended_at is null;
