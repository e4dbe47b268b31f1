-- How the OCSP responders answer those who examine: what one process knows, another shows
-- (intake/ocsp_health.h).
CREATE TABLE ocsp_health (
    city_code text NOT NULL,
    url text NOT NULL CHECK (length(url) <= 2000),
    machine text NOT NULL,                  -- who asked: its host name
    asked_at timestamptz NOT NULL,
    answered_at timestamptz,                -- the last good answer
    resting boolean NOT NULL,               -- its breaker is open: left alone for a while
    PRIMARY KEY (city_code, url, machine)
);
GRANT SELECT, INSERT, UPDATE ON ocsp_health TO uketsuke_examine;
GRANT SELECT ON ocsp_health TO uketsuke_console, uketsuke_operator;
