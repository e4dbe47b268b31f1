/* Signing a draft's members with CMS files or raw values, in place of XML Signature. */
#ifndef UKETSUKE_SANDBOX_TOWN_CONTAINER_H
#define UKETSUKE_SANDBOX_TOWN_CONTAINER_H

#include "deploy/sandbox/town.h"

/* signature/<member>.p7s over the member as it is now. */
bool draft_sign_cms(struct draft *draft, const char *member, bool attributes, struct failure *f);
/* The form and the attachments, as draft->style says. */
bool draft_sign_container(struct draft *draft, struct failure *f);

#endif
