-- An import tells what changed (registry_change), and identification itself wakes who waits for it:
-- the registry's account has no business with the work of others.
DROP POLICY work_wake ON work;
REVOKE UPDATE (due_at) ON work FROM uketsuke_registry;
