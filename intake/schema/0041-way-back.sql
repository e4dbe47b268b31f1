-- What was missing came by another way, or never: the business system that asked for it decides all the same.
INSERT INTO state_transition VALUES ('correction', 'completed'), ('correction', 'rejected');
INSERT INTO role_transition VALUES
    ('routing', 'correction', 'completed'), ('routing', 'correction', 'rejected');

-- Who read what was taken back before a receipt came hears of a withdrawal, too.
GRANT SELECT ON outbox_taken_back TO uketsuke_routing;
