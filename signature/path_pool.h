/* Certificates and CRLs out of files (PEM or DER, one or many in each), for signature/path. */
#ifndef UKETSUKE_SIGNATURE_PATH_POOL_H
#define UKETSUKE_SIGNATURE_PATH_POOL_H

#include "base/bytes.h"
#include "base/failure.h"
#include "signature/path.h"

#define POOL_MOST 4096 /* anchors, other certificates, and CRLs, each */

enum pool_kind { POOL_ANCHORS, POOL_UNTRUSTED, POOL_CRLS };

/* Calls `each` with the DER of every element of the file: of PEM those blocks that carry `label`
 * ("CERTIFICATE", "X509 CRL"); what else stands there is a failure, as is nothing at all. */
bool pool_each(struct bytes file, const char *label,
               bool (*each)(void *context, struct bytes der, struct failure *f), void *context,
               struct failure *f);

/* Adds what the file holds to a path_input of which the lists are the pool's; {0} at first. */
bool path_pool_add(struct path_input *input, enum pool_kind kind, struct bytes file,
                   struct failure *f);
/* Every anchor has one of these pins (SHA-256 in hexadecimal), or there are none. */
bool path_pool_pinned(const struct path_input *input, const char *const *pins, size_t count,
                      struct failure *f);
void path_pool_free(struct path_input *input);

/* path_judge of one certificate in DER; what is none fails "path.form", certificate-malformed. */
bool path_judge_der(struct bytes der, const struct path_input *input, struct checks *checks);

#endif
