/* The report of an examination as JSON: docs/formats/report.md. Internal to examine. */
#ifndef UKETSUKE_INTAKE_EXAMINE_REPORT_H
#define UKETSUKE_INTAKE_EXAMINE_REPORT_H

#include "intake/examine.h"

struct report_coverage {
    const char *coverage; /* "tree", "bytes", "none", "signature" */
    bool together;        /* with the form, under its name */
};

struct report_evidence {
    const struct examination_input *input;
    const struct package *package; /* NULL when it could not be opened */
    const struct checks *checks;
    const char *algorithm; /* NULL without a signature */
    size_t signatures;
    struct bytes certificate;               /* DER; empty without a signature */
    const char *issuer_sha256;              /* NULL when the issuer is not known */
    json_t *revocation;                     /* NULL when none was used */
    const struct report_coverage *coverage; /* one for each member of the package */
    const json_t *findings;                 /* of the form's rules; NULL when it was not read */
};

/* New reference. */
json_t *examination_report(const struct report_evidence *evidence);

#endif
