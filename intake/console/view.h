/* An application as the console shows it: the parts of GET /api/applications/{receipt}. Each is a
 * new reference, or null. */
#ifndef UKETSUKE_INTAKE_CONSOLE_VIEW_H
#define UKETSUKE_INTAKE_CONSOLE_VIEW_H

#include "forms/form_view.h"
#include "intake/console/subject.h"
#include "intake/identify/match.h"
#include "intake/registry/resident.h"

json_t *view_facts(const struct subject *subject);
/* The same of who applies, as the form tells them; null when it tells nothing. */
json_t *view_claimed(const struct subject *subject);
json_t *view_verification(const struct subject *subject);
json_t *view_findings(const struct subject *subject);
json_t *view_attachments(const struct subject *subject);
/* What the caller may do with it in its state. */
json_t *view_may(const struct subject_call *call);
/* Where else the caller may send it: [{"destination","name"}]; rights on both sides are needed. */
json_t *view_destinations(const struct subject_call *call);
/* Whether `destination` is one of them. */
bool view_destination_allowed(const struct subject_call *call, const char *destination);

/* As it was filled in, with findings and differences beside the items: {"groups": [{"label",
 * "remarks", "rows"}], "remarks"}; 個人番号 are masked. */
json_t *view_form(const struct subject *subject, const struct view_difference *differences,
                  size_t difference_count);
/* What is masked there, in the clear: [{"path","label","value"}]. */
json_t *view_numbers(const struct subject *subject);

/* What else is stored, and the form beside it: sets "form", "claim", "decision", "proposal",
 * "review", "messages", "hold" (of what is put off now), "versions" (which applications it
 * corrects, and which correct it, the oldest first), "contacts" and "history", as
 * docs/api/console.yaml has them. */
bool view_stored(struct db_tx *tx, struct subject_call *call, json_t *view, struct failure *f);

struct differences { /* of the form and the registry; free with differences_free */
    struct view_difference *at;
    size_t count;
};
void differences_free(struct differences *differences);
/* Puts what the registry tells today in place of bare 宛名番号 of a decision, sets "candidate" of a
 * proposal (an object, or null) to whom it names, and tells what the registry says of the people of
 * the form otherwise. */
bool view_decision_fill(struct db_tx *tx, const struct subject_call *call, json_t *decision,
                        json_t *proposal, struct differences *ret_differences, struct failure *f);

/* The name under which an attachment is shown: its document's, never one that the sender chose. */
char *attachment_name(const struct subject *subject, const char *member);
/* By the ending of its name: the examiner saw to it that its content is the same. */
const char *attachment_type(const char *dot); /* NULL: no ending */
#define ATTACHMENTS "attachments/"            /* members of the package */

struct attachment_fetch {
    int64_t index;
    uint32_t page;      /* for the trail: which page is looked at */
    struct buffer file; /* personal: buffer_erase_free */
    bool found;
};
/* For subject_do: one file out of the package, and an entry of the trail. */
bool attachment_fetch_work(struct db_tx *tx, struct subject_call *call, void *fetch,
                           struct failure *f);
/* The whole package as it came; appends. Personal. */
bool package_read(struct db_tx *tx, const struct subject_call *call, struct buffer *ret_package,
                  struct failure *f);
/* The request's {index}; one that there is not for what is no number. */
int64_t attachment_index(const struct http_request *request);

/* A resident for a screen: {"atenabango","status","protected","name",…}; of who is protected, only
 * that, unless `all`. */
json_t *resident_view(const struct resident *resident, bool all);
/* Of a candidate (identify.h) who may not be seen: nor how they agree, which tells of them, too. */
void candidate_hide(json_t *candidate);
/* Sets "certificate" of each of its facts: how that agrees with the certificate alone. */
void candidate_beside(json_t *candidate, struct known *certificate,
                      const struct resident *resident);

#endif
