-- A claim of a business system is a row for each run of ids that it holds, not a mark on every item: one
-- row is written instead of hundreds, and who claims next steps over a run, not over each item in it.
--
-- Runs of one destination never overlap: they are made, and cut, under one lock (routing/claim.c). All
-- that waits between first_id and last_id is held until the time is over. A run that is over stays
-- until somebody claims; to have been handed out in it is a try, noted in the item when the run goes.
CREATE TABLE outbox_claim (
    city_code text NOT NULL,
    destination text NOT NULL,
    first_id bigint NOT NULL,
    last_id bigint NOT NULL CHECK (last_id >= first_id),
    claim uuid NOT NULL,                    -- has several runs where others held what lay between
    made_at timestamptz NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (city_code, destination, first_id)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
INSERT INTO outbox_claim
    SELECT city_code, destination, outbox_id, outbox_id, claim, coalesce(last_attempt_at, now()), claimed_until
    FROM outbox WHERE claimed_until > now();
UPDATE outbox SET attempts = attempts - 1 WHERE claimed_until > now() AND attempts > 0;
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox_claim TO uketsuke_routing;
GRANT SELECT ON outbox_claim TO uketsuke_report, uketsuke_operator, uketsuke_console;

-- Was it handed out under a claim that stands here still, in force or over?
CREATE FUNCTION outbox_claimed(city text, destination text, id bigint) RETURNS boolean LANGUAGE sql STABLE
AS $$
    SELECT coalesce((SELECT c.last_id >= id FROM outbox_claim c WHERE c.city_code = city
        AND c.destination = outbox_claimed.destination AND c.first_id <= id
        ORDER BY c.first_id DESC LIMIT 1), false)
$$;
-- What waits, with the tries that are noted in claims.
CREATE VIEW outbox_tried WITH (security_invoker = true) AS
    SELECT o.city_code, o.destination, o.outbox_id, o.application_id, o.created_at, o.due_at, o.last_error,
        o.status, o.sha256, o.message_id,
        CASE WHEN c.claim IS NULL THEN o.attempts ELSE o.attempts + 1 END AS attempts,
        coalesce(c.made_at, o.last_attempt_at) AS last_attempt_at,
        CASE WHEN c.until > now() THEN c.until END AS claimed_until
    FROM outbox o LEFT JOIN LATERAL (
        SELECT c.claim, c.last_id, c.made_at, c.until FROM outbox_claim c
        WHERE c.city_code = o.city_code AND c.destination = o.destination AND c.first_id <= o.outbox_id
        ORDER BY c.first_id DESC LIMIT 1) c ON c.last_id >= o.outbox_id;
GRANT SELECT ON outbox_tried TO
    uketsuke_routing, uketsuke_report, uketsuke_operator, uketsuke_console;

CREATE OR REPLACE FUNCTION application_went_out(city text, application uuid) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM delivery d WHERE d.application_id = application AND d.city_code = city
            AND d.destination <> 'portal' AND d.accepted)
        OR EXISTS (SELECT FROM outbox o WHERE o.application_id = application AND o.city_code = city
            AND o.destination <> 'portal'
            AND (o.attempts > 0 OR outbox_claimed(o.city_code, o.destination, o.outbox_id)))
        OR EXISTS (SELECT FROM outbox_taken_back b WHERE b.application_id = application
            AND b.city_code = city)
$$;
ALTER TABLE outbox DROP COLUMN claim, DROP COLUMN claimed_until;
