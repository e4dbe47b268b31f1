/* What is stored with an application: its key, package, examination, identification. Each is sealed
 * under the application's own key. */
#ifndef UKETSUKE_INTAKE_APPLICATION_H
#define UKETSUKE_INTAKE_APPLICATION_H

#include <jansson.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/db.h"
#include "base/seal.h"
#include "intake/examine.h"
#include "intake/work.h"

struct wrapped_key {
    uint8_t data[SEAL_WRAPPED_LENGTH];
};
/* The keys of `items`, made where there are none: one application has one key, whoever comes first.
 * At most WORK_BATCH_MOST. */
bool application_keys(struct db_tx *tx, const struct city_key *city, const struct work_item *items,
                      size_t count, struct wrapped_key *ret_keys, struct failure *f);

/* Seals and stores the original package bytes. `evidence`: bytes that differ from what the portal
 * promised; kept aside, never examined. */
bool application_store_package(struct db_tx *tx, const struct city_key *city,
                               const struct work_item *item, const struct wrapped_key *wrapped,
                               struct bytes package, bool evidence, struct failure *f);
/* With receipt number, applied-at as the portal promised them. */
struct stored_application {
    struct buffer package;  /* plain: erase */
    struct buffer evidence; /* of the last examination (intake/evidence.h); empty: there was none */
    struct wrapped_key key;
    char receipt_number[65];
    instant applied_at;
    char procedure_id[129];
    char form_version[17];
};
void stored_application_free(struct stored_application *application);
/* What is sealed comes for many in one round trip, and is opened one by one: row i belongs to
 * items[i]. There are as many rows as have `bytes_most` in sum, but always one. */
bool application_fetch_packages(struct db_tx *tx, const struct work_item *items, size_t count,
                                int64_t bytes_most, struct db_rows **ret_rows, struct failure *f);
bool application_open_package(const struct db_rows *rows, size_t row, const struct city_key *city,
                              const struct work_item *item,
                              struct stored_application *ret_application, struct failure *f);

/* Report, facts and record of an examination; replaces that of an earlier try. */
bool application_store_examination(struct db_tx *tx, const struct city_key *city,
                                   const struct work_item *item, const struct wrapped_key *wrapped,
                                   const struct examination *examination, struct failure *f);
/* New references; *ret_facts or *ret_record may come back NULL when there is none. `ca` and
 * `serial` come back "" without a signature. */
struct stored_examination {
    json_t *report, *facts, *record;
    struct wrapped_key key;
    char ca[16];
    char serial[41];
    char procedure_id[129];
    char form_version[17];
    instant applied_at;
    char atenabango[16]; /* "" until identified */
};
void stored_examination_free(struct stored_examination *examination);
/* In one round trip, as above; a row for each of at most WORK_BATCH_MOST items. */
bool application_fetch_examinations(struct db_tx *tx, const struct work_item *items, size_t count,
                                    struct db_rows **ret_rows, struct failure *f);
bool application_open_examination(const struct db_rows *rows, size_t row,
                                  const struct city_key *city, const struct work_item *item,
                                  struct stored_examination *ret_examination, struct failure *f);

/* The last verdict with all it rested on that is kept here: package, report, evidence
 * (intake/evidence.h). */
struct stored_verdict {
    struct work_item item;
    char verdict[16]; /* verdict_name() */
    char reason[64];  /* "" when accepted */
    struct buffer report, evidence;
    struct stored_application application;
};
void stored_verdict_free(struct stored_verdict *verdict);
bool application_load_verdict(struct db_tx *tx, const struct city_key *city, const char *city_code,
                              const char *receipt_number, struct stored_verdict *ret_verdict,
                              struct failure *f);

bool application_store_atenabango(struct db_tx *tx, const struct work_item *item,
                                  const char *atenabango, const char *how, struct failure *f);
/* How an application was, or could not be, identified (intake/identify/identify.h), sealed;
 * replaces that of an earlier try. */
bool application_store_decision(struct db_tx *tx, const struct city_key *city,
                                const struct work_item *item, const struct wrapped_key *wrapped,
                                const json_t *decision, struct failure *f);
/* $1 the city, $2 the application; what its rows hold, as application_open_decision. */
extern const struct db_statement application_decision_select;
bool application_decision_read(const struct db_rows *rows, const struct city_key *city,
                               const struct work_item *item, json_t **ret_decision,
                               struct failure *f);
/* New reference; NULL when there is none yet. */
bool application_open_decision(struct db_tx *tx, const struct city_key *city,
                               const struct work_item *item, json_t **ret_decision,
                               struct failure *f);

#endif
