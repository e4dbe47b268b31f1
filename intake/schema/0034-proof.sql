-- When whoever sits there last told the password: some acts take that of just now (intake/console/proof.h).
ALTER TABLE session ADD proven_at timestamptz;
