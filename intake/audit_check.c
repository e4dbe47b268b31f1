#include "intake/audit_check.h"

#include "base/cleanup.h"

static const struct db_statement keep = {
    "audit_verification_insert",
    "INSERT INTO audit_verification (at, verified_by, entries, chains, checkpoints,"
    " last_checkpoint, intact, faults) VALUES ($1, $2, $3, $4, $5, $6, $7, $8::text::jsonb)"};

struct checking {
    struct audit_check check;
    void (*report)(const struct audit_fault *fault, void *context);
    void (*progress)(int64_t entries, void *context);
    void *context;
};

static void take_fault(const struct audit_fault *fault, void *context)
{
    struct checking *c = context;
    if (c->check.fault_count++ < AUDIT_FAULTS_KEPT)
        json_array_append_new(c->check.faults,
                              json_pack("{s:s, s:I, s:s}", "chain", fault->chain, "position",
                                        (json_int_t)fault->position, "what", fault->what));
    if (c->report)
        c->report(fault, c->context);
}

static void take_progress(int64_t entries, void *context)
{
    const struct checking *c = context;
    if (c->progress)
        c->progress(entries, c->context);
}

bool audit_check(struct db *db, const struct config *config,
                 void (*report)(const struct audit_fault *fault, void *context),
                 void (*progress)(int64_t entries, void *context), void *context,
                 struct audit_check *ret_check, struct failure *f)
{
    struct checking c = {{.faults = json_array()}, report, progress, context};
    if (!audit_verify(db, config, take_fault, take_progress, &c, &c.check.intact, &c.check.summary,
                      f)) {
        audit_check_free(&c.check);
        return false;
    }
    *ret_check = c.check;
    return true;
}

void audit_check_free(struct audit_check *check)
{
    json_decref(check->faults);
    *check = (struct audit_check){0};
}

struct keeping {
    const struct audit_check *check;
    const char *by;
};

static bool keep_work(struct db_tx *tx, void *context, struct failure *f)
{
    const struct keeping *k = context;
    const struct audit_summary *s = &k->check->summary;
    _cleanup_(cleanup_text) char *faults = json_dumps(k->check->faults, JSON_COMPACT);
    return db_execute(tx, &keep,
                      DB_VALUES(db_instant(clock_now()), db_text(k->by), db_number(s->entries),
                                db_number(s->chains), db_number(s->checkpoints),
                                s->last_checkpoint ? db_instant(s->last_checkpoint) : db_null(),
                                db_boolean(k->check->intact), db_text(faults)),
                      NULL, f);
}

bool audit_check_keep(struct db *db, const struct audit_check *check, const char *by,
                      struct failure *f)
{
    struct keeping k = {check, by};
    return db_transaction(db, keep_work, &k, f);
}
