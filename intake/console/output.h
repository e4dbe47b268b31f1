/* 授受簿: the book of what leaves the house on paper or in a file (schema 0021). Off unless
 * [console] says otherwise, only at terminals that it names; each entry has a person, a reason, a
 * terminal. A file needs a second person, is encrypted, and can be fetched until the end of the
 * next business day. */
#ifndef UKETSUKE_INTAKE_CONSOLE_OUTPUT_H
#define UKETSUKE_INTAKE_CONSOLE_OUTPUT_H

#include "intake/console/subject.h"
#include "signature/envelope.h"

enum output_kind { OUTPUT_PRINT, OUTPUT_EXPORT };

/* Whether it is switched on, and for this terminal. */
bool output_available(const struct console_context *context, const struct console_caller *caller,
                      enum output_kind kind);
/* False after replying 403: it is not. */
bool output_admit(const struct console_context *context, struct http_request *request,
                  const struct console_caller *caller, enum output_kind kind);

struct output_order {
    enum output_kind kind;
    const char *reason, *recipient, *medium; /* NULL: none */
    bool with_numbers;
    const char *key;   /* of the request (once.h); NULL: none */
    bool unregistered; /* out: nothing was written, for who asks has no such medium */
    bool other;        /* out: the key was used for something else; nothing was written */
    bool over;      /* out: of a print that was made by the key, its time is over, or it is gone */
    int64_t number; /* out: 授受番号 */
    bool many;      /* out: a 管理責任者 has to approve ([console] export-many) */
};
/* Within subject_do: writes it down, in the trail too; what was asked for before by the same key is
 * told again, and the book has one entry of it. A print is handed out at once, and is to be
 * gone by its `until`; made again, it counts as fetched again. A file waits for its approval. */
bool output_ask(struct db_tx *tx, const struct subject_call *call, struct output_order *order,
                struct failure *f);

enum output_answer {
    OUTPUT_DONE,
    OUTPUT_UNKNOWN, /* no such number of this application */
    OUTPUT_OWN,     /* another person has to */
    OUTPUT_OTHERS,  /* only who asked for it may; to dispose of it, who approves, too */
    OUTPUT_NOT_YET, /* not approved */
    OUTPUT_MANY,    /* it is one of many: RIGHT_SUPERIOR is needed to approve */
    OUTPUT_MEDIUM,  /* its medium is registered no more, or not for who asked for it */
    OUTPUT_OVER,    /* fetched no more; or approved, disposed of already */
};
bool output_approve(struct db_tx *tx, const struct subject_call *call, int64_t number,
                    enum output_answer *ret_answer, struct failure *f);
/* For who asked for it: the password; `fetch`: it is taken out now, and output_taken follows. */
bool output_open(struct db_tx *tx, const struct subject_call *call, int64_t number, bool fetch,
                 char ret_password[ENVELOPE_PASSWORD], instant *ret_until,
                 enum output_answer *ret_answer, struct failure *f);
/* Writes down that the file was taken out, and the SHA-256 of exactly what was handed over. */
bool output_taken(struct db_tx *tx, const struct subject_call *call, int64_t number,
                  struct bytes file, struct failure *f);
/* For who asked for it, or may approve, with the right to print or export as it was: the paper or
 * the medium is gone, or the file is not to be: `how`, 1 to 100 characters. */
bool output_dispose(struct db_tx *tx, const struct subject_call *call, int64_t number,
                    const char *how, enum output_answer *ret_answer, struct failure *f);

#endif
