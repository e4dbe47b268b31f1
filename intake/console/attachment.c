/* A file of the package, for what is drawn of it (endpoint_page.c) and for what leaves the house
 * (endpoint_output.c). Nothing here hands one out. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "intake/console/view.h"
#include "intake/package.h"

DEFINE_CLEANUP(cleanup_package, struct package *, package_free)

/* The columns as application_open_package reads them; the console may not have the evidence. */
static const struct db_statement attachment_package = {
    "attachment_package",
    "SELECT p.sealed, k.wrapped, a.receipt_number, a.applied_at, a.procedure_id, a.form_version,"
    " NULL::bytea FROM application a JOIN package p USING (city_code, application_id)"
    " JOIN application_key k USING (city_code, application_id)"
    " WHERE a.city_code = $1 AND a.application_id = $2::uuid"};

/* The member that the report names at `index`; NULL: no attachment. */
static const char *member_name(const struct subject *subject, int64_t index)
{
    const json_t *member =
        json_array_get(json_object_get(subject->examination.report, "coverage"), (size_t)index);
    const char *name = json_string_value(json_object_get(member, "member"));
    bool attached = name && strncmp(name, ATTACHMENTS, strlen(ATTACHMENTS)) == 0;
    return attached && subject->examination.record ? name : NULL;
}

bool package_read(struct db_tx *tx, const struct subject_call *call, struct buffer *ret_package,
                  struct failure *f)
{
    const struct work_item *item = &call->subject.item;
    _cleanup_(cleanup_db_rows) struct db_rows *rows = NULL;
    _cleanup_(stored_application_free) struct stored_application stored = {0};
    if (!db_query(tx, &attachment_package,
                  DB_VALUES(db_text(item->city_code), db_text(item->application_id)), &rows, f))
        return false;
    if (db_row_count(rows) == 0)
        return failure_set(f, FAILURE_INPUT, "application %s has no package", item->application_id);
    if (!application_open_package(rows, 0, call->context->role->city_key, item, &stored, f))
        return false;
    buffer_append(ret_package, stored.package.data, stored.package.length);
    return true;
}

static bool member_take(struct db_tx *tx, const struct subject_call *call, const char *name,
                        struct buffer *ret_file, struct failure *f)
{
    struct package_limits limits;
    _cleanup_(cleanup_secret_buffer) struct buffer whole = {0};
    if (!package_read(tx, call, &whole, f))
        return false;
    struct checks *checks = checks_new();
    package_limits_read(call->context->role->config, &limits);
    _cleanup_(cleanup_package) struct package *package =
        package_open(buffer_bytes(&whole), &limits, checks);
    const struct package_member *member = package ? package_find(package, name) : NULL;
    if (member)
        buffer_append(ret_file, member->bytes.data, member->bytes.length);
    checks_free(checks);
    return member || failure_set(f, FAILURE_INPUT, "the package of application %s does not open",
                                 call->subject.item.application_id);
}

bool attachment_fetch_work(struct db_tx *tx, struct subject_call *call, void *context,
                           struct failure *f)
{
    struct attachment_fetch *fetch = context;
    const char *name = member_name(&call->subject, fetch->index);
    char detail[64];
    buffer_erase_free(&fetch->file);
    fetch->found = name != NULL;
    snprintf(detail, sizeof detail, "{\"attachment\":%d,\"page\":%u}", (int)fetch->index,
             fetch->page);
    return !name || (member_take(tx, call, name, &fetch->file, f) &&
                     subject_note(tx, call, "application.attachment", NULL, detail, f));
}

int64_t attachment_index(const struct http_request *request)
{
    const char *text = http_request_parameter(request, "index");
    int64_t index;
    return text && number_parse(text, 0, 9999, &index) ? index : 10000; /* there is none */
}
