#include "tests/support/trust.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/pki.h"

struct trust *trust_of(X509 *const *certificates, size_t count)
{
    char path[] = "/tmp/uketsuke-trust-XXXXXX", pins[8][65];
    const char *anchor = path, *pinned[8], *policy = PKI_POLICY;
    close(mkstemp(path));
    for (size_t i = 0; i < count; i++) {
        pki_append_pem(certificates[i], path);
        pki_fingerprint(certificates[i], pins[i]);
        pinned[i] = pins[i];
    }
    struct trust *trust = NULL;
    struct failure f = {0};
    struct trust_options options = {TRUST_SANDBOX, &anchor, 1, pinned, count, false, &policy, 1};
    if (!trust_load(&options, &trust, &f)) {
        fprintf(stderr, "%s\n", f.text);
        abort();
    }
    unlink(path);
    return trust;
}
