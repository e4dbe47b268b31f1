-- A token ends with the secret that it was asked for by: `secret` tells which that was (HMAC-SHA-256
-- under the city's key). Those of before tell nothing, and live for minutes only.
DELETE FROM token;
ALTER TABLE token ADD COLUMN secret bytea NOT NULL CHECK (length(secret) = 32);
