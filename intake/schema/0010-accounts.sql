-- Who works at the console: personal accounts, terminals, rights, sessions. Nothing about residents.

CREATE TABLE account (
    city_code text NOT NULL,
    account_id uuid NOT NULL DEFAULT gen_random_uuid(),
    name text NOT NULL CHECK (name ~ '^[a-z0-9][a-z0-9.-]{2,31}$'),  -- what one signs in with
    display_name text NOT NULL CHECK (length(display_name) BETWEEN 1 AND 60),
    department text NOT NULL CHECK (length(department) BETWEEN 1 AND 40),
    kind text NOT NULL CHECK (kind IN ('staff', 'contractor', 'break-glass')),
    valid_from timestamptz NOT NULL,
    valid_to timestamptz NOT NULL,                 -- an account ends by itself
    disabled_at timestamptz,
    created_by text NOT NULL,
    approved_by text,                              -- NULL: proposed, and cannot sign in
    CHECK (approved_by <> created_by),             -- four eyes; the first administrator aside:
    first boolean NOT NULL DEFAULT false,          -- made on the server itself, while there is none
    enrolment bytea,                               -- SHA-256 of the one-time code, until it is used
    enrolment_until timestamptz,
    password text,                                 -- argon2id in PHC form; NULL until enrolled
    password_at timestamptz,
    failures integer NOT NULL DEFAULT 0,           -- in a row
    locked_until timestamptz,
    wrapped bytea,                                 -- the account's key, under the city's
    totp bytea,                                    -- the secret, sealed with it
    totp_step bigint NOT NULL DEFAULT 0,           -- the last step that was used: once each
    PRIMARY KEY (city_code, account_id),
    UNIQUE (name, city_code),
    CHECK (valid_from < valid_to)
);

-- Old passwords: no password comes again, nor one that is like it (`core`: what is left without
-- digits, signs and capitals).
CREATE TABLE account_password (
    city_code text NOT NULL,
    account_id uuid NOT NULL,
    at timestamptz NOT NULL,
    password text NOT NULL,
    core text NOT NULL,
    PRIMARY KEY (city_code, account_id, at),
    FOREIGN KEY (city_code, account_id) REFERENCES account
);

-- WebAuthn credentials (docs/console.md): what a terminal's reader or a key proves with.
CREATE TABLE account_credential (
    city_code text NOT NULL,
    account_id uuid NOT NULL,
    credential_id bytea NOT NULL CHECK (length(credential_id) BETWEEN 16 AND 1023),
    algorithm integer NOT NULL,                    -- COSE: -7 ES256, -8 EdDSA, -257 RS256
    public_key bytea NOT NULL,
    counter bigint NOT NULL DEFAULT 0,
    label text NOT NULL CHECK (length(label) BETWEEN 1 AND 60),
    created_at timestamptz NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (city_code, account_id, credential_id),
    UNIQUE (credential_id, city_code),
    FOREIGN KEY (city_code, account_id) REFERENCES account
);

-- 事務 × 部署 × 担当者: what an account may do, on which business, of which department. '*': all.
CREATE TABLE account_right (
    city_code text NOT NULL,
    account_id uuid NOT NULL,
    business text NOT NULL CHECK (business ~ '^([a-z0-9-]{1,40}|\*)$'),
    department text NOT NULL CHECK (length(department) BETWEEN 1 AND 40),
    "right" text NOT NULL,
    proposed_by text NOT NULL,
    approved_by text,                              -- NULL: not in force yet
    CHECK (approved_by <> proposed_by),
    PRIMARY KEY (city_code, account_id, business, department, "right"),
    FOREIGN KEY (city_code, account_id) REFERENCES account
);

-- Only registered terminals are let in: by their client certificate, or by address.
CREATE TABLE terminal (
    city_code text NOT NULL,
    terminal_id uuid NOT NULL DEFAULT gen_random_uuid(),
    label text NOT NULL CHECK (length(label) BETWEEN 1 AND 60),
    department text NOT NULL,
    peer text CHECK (peer ~ '^[0-9a-f]{64}$'),     -- SHA-256 of its certificate
    address text CHECK (length(address) <= 45),
    proposed_by text NOT NULL,
    approved_by text,
    CHECK (approved_by <> proposed_by),
    retired_at timestamptz,
    PRIMARY KEY (city_code, terminal_id),
    CHECK ((peer IS NULL) <> (address IS NULL))
);
CREATE UNIQUE INDEX terminal_peer ON terminal (peer, city_code) WHERE retired_at IS NULL;
CREATE UNIQUE INDEX terminal_address ON terminal (address, city_code) WHERE retired_at IS NULL;

CREATE TABLE session (
    city_code text NOT NULL,
    token bytea NOT NULL CHECK (length(token) = 32),  -- SHA-256 of what the cookie holds
    account_id uuid NOT NULL,
    terminal_id uuid NOT NULL,                     -- a session does not move to another terminal
    challenge bytea,                               -- WebAuthn: what must be signed now
    complete boolean NOT NULL DEFAULT false,       -- the second factor was shown
    created_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    until timestamptz NOT NULL,
    ended_at timestamptz,
    ended_why text,                                -- signed-out, idle, expired, replaced, disabled
    PRIMARY KEY (city_code, token),
    FOREIGN KEY (city_code, account_id) REFERENCES account,
    FOREIGN KEY (city_code, terminal_id) REFERENCES terminal
);
-- One session an account.
CREATE UNIQUE INDEX session_one ON session (account_id, city_code)
    WHERE complete AND ended_at IS NULL;

GRANT SELECT, INSERT, UPDATE ON account, terminal, session TO uketsuke_console;
GRANT SELECT, INSERT ON account_password TO uketsuke_console;
GRANT SELECT, INSERT, UPDATE, DELETE ON account_credential, account_right TO uketsuke_console;
GRANT INSERT ON audit_entry TO uketsuke_console;
GRANT SELECT ON state, state_transition, application, work TO uketsuke_console;
GRANT SELECT ON account, account_right, terminal, session TO uketsuke_operator;
