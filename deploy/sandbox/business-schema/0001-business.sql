-- A business system's own database. It knows nothing of the intake server's.

-- Its copy of the residents. Names are folded: width (NFKC), no spaces.
CREATE TABLE resident (
    atenabango  text PRIMARY KEY,
    name        text NOT NULL,
    common_name text NOT NULL, -- 通称, ''
    birth_date  text NOT NULL
);

CREATE TABLE item (
    id             bigint PRIMARY KEY, -- the server's
    arrived        bigint GENERATED ALWAYS AS IDENTITY,
    sha256         text NOT NULL,
    content        bytea NOT NULL, -- the very bytes
    receipt_number text NOT NULL,  -- '' when the item did not say
    deliveries     integer NOT NULL DEFAULT 1,
    notice         boolean NOT NULL DEFAULT false, -- tells of a withdrawal
    problems       text, -- why it is rejected, JSON; NULL: accepted
    receipt        text  -- what became of our receipt; NULL: to be sent
);
CREATE INDEX item_receipt_due ON item (id) WHERE receipt IS NULL;
CREATE INDEX item_receipt_number ON item (receipt_number);

-- What was decided about an item.
CREATE TABLE outcome (
    id      bigint PRIMARY KEY REFERENCES item,
    outcome text NOT NULL CHECK (outcome IN ('completed', 'rejected', 'incomplete')),
    result  text -- what the server said to it; NULL: to be sent
);
CREATE INDEX outcome_due ON outcome (id) WHERE result IS NULL;
