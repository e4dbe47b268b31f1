-- File hand-over (routing/files.h): which items make a batch stands here before anything is written,
-- with all that its bytes depend on, so that the same batch is the same bytes again.
CREATE TABLE file_place (                   -- one writer at a time for each destination
    city_code text NOT NULL,
    destination text NOT NULL,
    lease_until timestamptz NOT NULL DEFAULT '-infinity',
    lease_token text NOT NULL DEFAULT '',
    receipts_at timestamptz NOT NULL DEFAULT '-infinity', -- when receipts were looked for
    PRIMARY KEY (city_code, destination)
);
CREATE TABLE file_batch (
    city_code text NOT NULL,
    destination text NOT NULL,
    batch_id bigint GENERATED ALWAYS AS IDENTITY,
    made_at timestamptz NOT NULL,
    encoding text NOT NULL CHECK (encoding IN ('utf-8', 'utf-8-bom', 'cp932')),
    line_end text NOT NULL CHECK (line_end IN ('crlf', 'lf')),
    attachments boolean NOT NULL,
    package boolean NOT NULL,
    items integer NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL,
    last_attempt_at timestamptz,
    last_error text,
    written_at timestamptz,                 -- the done-marker lies there since
    manifest_sha256 bytea,                  -- what every later making must come to
    PRIMARY KEY (city_code, destination, batch_id)
);
CREATE INDEX file_batch_unwritten ON file_batch (destination, city_code) WHERE written_at IS NULL;
CREATE TABLE file_batch_item (
    city_code text NOT NULL,
    destination text NOT NULL,
    batch_id bigint NOT NULL,
    position integer NOT NULL,              -- 1, 2 …: order in the batch
    outbox_id bigint NOT NULL,
    application_id uuid NOT NULL,
    status text NOT NULL,                   -- "" for an application
    settled boolean NOT NULL DEFAULT false, -- it waits no more: a redelivery may go out again
    PRIMARY KEY (city_code, destination, batch_id, position),
    FOREIGN KEY (city_code, destination, batch_id) REFERENCES file_batch
);
CREATE UNIQUE INDEX file_batch_item_open ON file_batch_item (destination, outbox_id, city_code)
    WHERE NOT settled;
CREATE INDEX file_batch_item_by_id ON file_batch_item (destination, outbox_id, city_code);

GRANT SELECT, INSERT, UPDATE ON file_place, file_batch TO uketsuke_routing;
GRANT SELECT, INSERT ON file_batch_item TO uketsuke_routing;
GRANT UPDATE (settled) ON file_batch_item TO uketsuke_routing;
GRANT SELECT ON file_batch, file_batch_item TO uketsuke_operator;
