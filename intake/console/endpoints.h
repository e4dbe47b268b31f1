/* Within the console's API: its endpoints, and what they share besides request.h. */
#ifndef UKETSUKE_INTAKE_CONSOLE_ENDPOINTS_H
#define UKETSUKE_INTAKE_CONSOLE_ENDPOINTS_H

#include "intake/console/request.h"

/* clang-format off */
http_handler endpoint_session_get, endpoint_session_post, endpoint_session_delete,
    endpoint_session_lock, endpoint_session_unlock, endpoint_session_password,
    endpoint_session_totp, endpoint_session_challenge, endpoint_session_webauthn,
    endpoint_common_base, endpoint_common_base_back,
    endpoint_enrolment, endpoint_enrolment_totp_get, endpoint_enrolment_totp,
    endpoint_enrolment_webauthn,
    endpoint_queue, endpoint_claim_post, endpoint_claim_delete, endpoint_application,
    endpoint_numbers, endpoint_page, endpoint_print, endpoint_export,
    endpoint_output_approve, endpoint_output_password, endpoint_output_file,
    endpoint_output_dispose, endpoint_outputs, endpoint_counts, endpoint_search, endpoint_overview,
    endpoint_identify, endpoint_confirm, endpoint_drop, endpoint_deny, endpoint_undo,
    endpoint_reroute, endpoint_contact, endpoint_approve, endpoint_correct, endpoint_refuse,
    endpoint_hold, endpoint_withdraw, endpoint_resend,
    endpoint_templates, endpoint_changes, endpoint_changes_post, endpoint_changes_confirm,
    endpoint_changes_reject, endpoint_changes_cancel, endpoint_personnel, endpoint_batches_confirm,
    endpoint_batches_reject, endpoint_batches_cancel, endpoint_users, endpoint_users_stop,
    endpoint_terminals, endpoint_holidays, endpoint_admin_media, endpoint_media,
    endpoint_admin_templates, endpoint_procedures, endpoint_procedure,
    endpoint_feeds, endpoint_feeds_approve, endpoint_trail, endpoint_report, endpoint_report_post,
    endpoint_rights, endpoint_rights_csv,
    endpoint_chain, endpoint_chain_post,
    endpoint_site_index, endpoint_site_file;
/* clang-format on */

void console_set_cookie(struct http_request *request, const char *token); /* "": takes it away */
enum http_flow console_reply_wrong(struct http_request *request);
enum http_flow console_reply_sign_in(struct http_request *request, enum sign_in outcome,
                                     enum password_fault fault);
json_t *console_base64url(struct bytes data);
/* At most `most` bytes from Base64url; false after replying 400. */
bool console_bytes(struct http_request *request, const json_t *body, const char *key, size_t most,
                   struct buffer *ret_bytes);

/* The static files of the pages, read once: the folder [console] site. */
bool console_site_load(const char *folder, struct console_site **ret_site, struct failure *f);
void console_site_free(struct console_site *site);

#endif
