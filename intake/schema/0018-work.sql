-- What staff work with: by when something has to be done, what was talked about, what an
-- identification was taken back for.

-- The first of the procedure's terms (rules.xml) that holds for it, as its examination tells. A day that is
-- counted from a birth or a move stands here in the clear, as the queue is in its order.
ALTER TABLE application ADD due_on date NOT NULL DEFAULT 'infinity', ADD due_term text;
GRANT UPDATE (due_on, due_term) ON application
    TO uketsuke_collect, uketsuke_examine, uketsuke_identify, uketsuke_routing, uketsuke_console;
-- decide() names the columns whoever moves; only the examination writes another day.
CREATE FUNCTION application_due_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF session_user IN ('uketsuke_collect', 'uketsuke_identify', 'uketsuke_routing',
                        'uketsuke_console') THEN
        RAISE EXCEPTION '% may not set by when an application is due', session_user
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER application_due_guard BEFORE UPDATE ON application FOR EACH ROW
    WHEN (NEW.due_on <> OLD.due_on OR NEW.due_term IS DISTINCT FROM OLD.due_term)
    EXECUTE FUNCTION application_due_guard();
DROP INDEX application_waiting;
CREATE INDEX application_waiting
    ON application (due_on, applied_at, application_id, city_code)
    INCLUDE (state, reason, procedure_id)
    WHERE state IN ('review', 'unmatched', 'held', 'correction');

-- 連絡記録: what was said, to whom and how, sealed under the application's key (purpose "note").
CREATE TABLE contact_note (
    city_code text NOT NULL,
    application_id uuid NOT NULL,
    note_id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL,
    written_by text NOT NULL CHECK (written_by ~ '^staff:[-a-z0-9._@\\]+$'),
    way text NOT NULL CHECK (way IN ('phone', 'counter', 'letter', 'mail', 'inside', 'other')),
    sealed bytea NOT NULL,
    PRIMARY KEY (city_code, application_id, note_id),
    FOREIGN KEY (city_code, application_id) REFERENCES application
);
CREATE TRIGGER contact_note_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON contact_note
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
GRANT SELECT, INSERT ON contact_note TO uketsuke_console;

-- An identification is taken back by staff as long as nothing was handed over.
INSERT INTO state_transition VALUES ('identified', 'unmatched'), ('review', 'unmatched');
INSERT INTO role_transition VALUES ('console', 'identified', 'unmatched'),
    ('console', 'review', 'unmatched'), ('console', 'held', 'unmatched');
GRANT DELETE ON identification TO uketsuke_console;
CREATE POLICY identification_staff_back ON identification FOR DELETE TO uketsuke_console
    USING (EXISTS (SELECT FROM application a WHERE a.state IN ('identified', 'review', 'held')
        AND (a.city_code, a.application_id)
            = (identification.city_code, identification.application_id)));

-- Who put an application off, and until when, is of those that wait.
CREATE INDEX staff_hold_until ON staff_hold (until, city_code);
