/* Applications signed with CMS or raw values: the functions that town_kinds.c names. */
#ifndef UKETSUKE_SANDBOX_TOWN_KINDS_CONTAINER_H
#define UKETSUKE_SANDBOX_TOWN_KINDS_CONTAINER_H

#include "deploy/sandbox/town.h"

void good_cms_prepare(struct draft *draft);
void good_cms_bare_prepare(struct draft *draft);
void good_raw_prepare(struct draft *draft);
void good_ecdsa_cms_prepare(struct draft *draft);
void good_ecdsa_raw_prepare(struct draft *draft);

void cms_replayed_tamper(struct draft *draft);
void cms_other_certificate_tamper(struct draft *draft);
void mixed_containers_prepare(struct draft *draft);
void mixed_containers_tamper(struct draft *draft);
void raw_other_member_prepare(struct draft *draft);
void raw_other_member_tamper(struct draft *draft);

#endif
