-- The pull API of business systems: outcomes, claims, redelivery, tokens.

-- What a business system writes of an item may quote it: sealed under the application's key, purpose
-- "problems". What lay here unsealed goes; that, and when, the item was rejected stays.
ALTER TABLE delivery DROP COLUMN problems;
ALTER TABLE delivery
    ADD COLUMN problems bytea,                        -- sealed JSON, when not accepted
    ADD COLUMN redelivered integer NOT NULL DEFAULT 0, -- how often the destination asked for it again
    ADD COLUMN kept boolean NOT NULL DEFAULT false;   -- outbox_item has it still
CREATE INDEX delivery_kept ON delivery (delivered_at, city_code) WHERE kept;

-- Several consumers of one destination share what waits: who claimed it, and until when.
ALTER TABLE outbox ADD COLUMN claim uuid, ADD COLUMN claimed_until timestamptz;

-- What business systems decided (申請処理状況). The content is sealed, purpose "outcome".
CREATE TABLE outcome (
    city_code text NOT NULL,
    destination text NOT NULL,
    outbox_id bigint NOT NULL,
    number integer NOT NULL,                -- 1, 2 …: of this item
    application_id uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    outcome text NOT NULL CHECK (outcome IN ('completed', 'rejected', 'incomplete')),
    fingerprint bytea NOT NULL,             -- keyed hash of the content, to tell a repetition
    sealed bytea NOT NULL,                  -- {"message", "reasons"}
    repeated integer NOT NULL DEFAULT 0,    -- how often the same came again
    PRIMARY KEY (city_code, destination, outbox_id, number),
    FOREIGN KEY (city_code, application_id) REFERENCES application
);
CREATE INDEX outcome_by_application ON outcome (application_id, city_code);

-- OAuth 2.0: assertions that were used (RFC 7523 §3, jti), and tokens in force. Both by SHA-256.
CREATE TABLE token_assertion (
    city_code text NOT NULL,
    client_id text NOT NULL,
    jti bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (city_code, client_id, jti)
);
CREATE INDEX token_assertion_old ON token_assertion (expires_at);
CREATE TABLE token (
    city_code text NOT NULL,
    token bytea NOT NULL,
    destination text NOT NULL,
    client_id text NOT NULL,
    peer text NOT NULL,                     -- the certificate that asked for it (RFC 8705)
    scopes text NOT NULL,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (city_code, token)
);
CREATE INDEX token_old ON token (expires_at);

GRANT SELECT, INSERT ON outcome TO uketsuke_routing;
GRANT UPDATE (repeated) ON outcome TO uketsuke_routing;
GRANT SELECT (city_code, destination, outbox_id, number, application_id, at, outcome, repeated)
    ON outcome TO uketsuke_operator;
GRANT SELECT, INSERT, DELETE ON token_assertion, token TO uketsuke_routing;
