/* What makes a bad application bad: the functions that town_kinds.c names. */
#ifndef UKETSUKE_SANDBOX_TOWN_KINDS_BAD_H
#define UKETSUKE_SANDBOX_TOWN_KINDS_BAD_H

#include "deploy/sandbox/town.h"

/* town_kinds_package.c */
void one_pdf_prepare(struct draft *draft);
void truncated_zip_spoil(struct draft *draft, struct buffer *zip);
void zip_bomb_prepare(struct draft *draft);
void nested_archive_prepare(struct draft *draft);
void path_traversal_tamper(struct draft *draft);
void encrypted_tamper(struct draft *draft);
void duplicate_tamper(struct draft *draft);
void duplicate_spoil(struct draft *draft, struct buffer *zip);
void too_many_tamper(struct draft *draft);
void missing_tamper(struct draft *draft);
void extra_tamper(struct draft *draft);
void hash_tamper(struct draft *draft);
void wrong_city_prepare(struct draft *draft);

/* town_kinds_form.c */
void xml_dtd_prepare(struct draft *draft);
void xml_external_prepare(struct draft *draft);
void billion_laughs_prepare(struct draft *draft);
void xml_deep_prepare(struct draft *draft);
void xml_encoding_prepare(struct draft *draft);
void missing_field_prepare(struct draft *draft);
void bad_number_prepare(struct draft *draft);

/* town_kinds_signature.c */
void unsigned_prepare(struct draft *draft);
void other_document_tamper(struct draft *draft);
void altered_form_prepare(struct draft *draft);
void altered_form_tamper(struct draft *draft);
void altered_attachment_tamper(struct draft *draft);
void uncovered_prepare(struct draft *draft);
void wrong_key_prepare(struct draft *draft);
void sha1_prepare(struct draft *draft);
void expired_prepare(struct draft *draft);
void not_yet_valid_prepare(struct draft *draft);
void revoked_before_prepare(struct draft *draft);
void login_certificate_prepare(struct draft *draft);
void login_usage_prepare(struct draft *draft);
void unknown_issuer_prepare(struct draft *draft);

#endif
