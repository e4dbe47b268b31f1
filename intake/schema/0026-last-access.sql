-- Who signs in is told when the account was used before (intake/console/last_access.h).
CREATE INDEX session_of_account ON session (account_id, created_at, city_code) WHERE complete;
