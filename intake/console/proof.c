#include "intake/console/proof.h"

#include "intake/console/endpoints.h"

/* clang-format off */
static http_handler *const proven[] = {
    endpoint_numbers,                                         /* 個人番号 */
    endpoint_print, endpoint_export, endpoint_output_approve, /* what leaves the house */
    endpoint_output_password, endpoint_output_file,
    endpoint_identify, endpoint_confirm, endpoint_undo,       /* who it is, by hand */
    endpoint_refuse, endpoint_withdraw,                       /* the end of an application */
    endpoint_changes_confirm, endpoint_batches_confirm,       /* of accounts, rights, residents */
    endpoint_feeds_approve,
};
/* clang-format on */

bool proof_needed(const struct http_request *request)
{
    http_handler *asked = http_request_handler(request);
    for (size_t i = 0; i < sizeof proven / sizeof *proven; i++)
        if (proven[i] == asked)
            return true;
    return false;
}
