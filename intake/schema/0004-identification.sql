-- What identification found out about an application: reasons, comparisons, candidates. Personal,
-- so sealed under the application's key.
CREATE TABLE identification_decision (
    city_code text NOT NULL,
    application_id uuid NOT NULL,
    decided_at timestamptz NOT NULL,
    sealed bytea NOT NULL,                  -- sealed JSON
    PRIMARY KEY (city_code, application_id),
    FOREIGN KEY (city_code, application_id) REFERENCES application
);
ALTER TABLE identification_decision ALTER sealed SET STORAGE EXTERNAL;
GRANT SELECT, INSERT, UPDATE ON identification_decision TO uketsuke_identify;
