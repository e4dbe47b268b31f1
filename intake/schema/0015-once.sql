-- What a page asks the console for with a key (Idempotency-Key), so that asking again, after a lost
-- connection, does nothing again and gets the same answer. For a day; nothing personal.
CREATE TABLE once (
    city_code text NOT NULL,
    account_id uuid NOT NULL,
    key uuid NOT NULL,
    application_id uuid NOT NULL,
    act text NOT NULL,                      -- 'identify', 'refuse' …
    at timestamptz NOT NULL,
    version integer,                        -- the answer
    state text,
    one_more boolean,
    PRIMARY KEY (city_code, account_id, key),
    FOREIGN KEY (city_code, application_id) REFERENCES application
);
GRANT SELECT, INSERT, UPDATE, DELETE ON once TO uketsuke_console;
