-- Why somebody takes a resident for the applicant, for the second person and the history: one of the
-- page's reasons, as the audit trail has it, and the person's own words, sealed under the
-- application's key (purpose "proposal"). `version`: of the application once it was proposed.
CREATE TABLE proposal_reason (
    city_code text NOT NULL,
    application_id uuid NOT NULL,
    version integer NOT NULL,
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    sealed bytea,
    PRIMARY KEY (city_code, application_id, version),
    FOREIGN KEY (city_code, application_id) REFERENCES application
);
CREATE TRIGGER proposal_reason_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON proposal_reason
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
GRANT SELECT, INSERT ON proposal_reason TO uketsuke_console;
