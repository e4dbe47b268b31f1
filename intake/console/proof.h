/* Acts before which whoever sits at the screen shows anew who they are: what shows 個人番号, takes
 * something out of the house, says by hand who an applicant is, or ends something for good. The
 * password tells it (POST /api/session/unlock), and counts for [console] proof, as signing in does.
 * Wrong ones count as those of signing in. */
#ifndef UKETSUKE_INTAKE_CONSOLE_PROOF_H
#define UKETSUKE_INTAKE_CONSOLE_PROOF_H

#include "base/http_server.h"

/* Of the endpoint that was asked; this is the only place that says of which. */
bool proof_needed(const struct http_request *request);

#endif
