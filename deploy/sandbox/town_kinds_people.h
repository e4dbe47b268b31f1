/* Applications whose applicant is easy, hard or not to be told: the functions that town_kinds.c
 * names. Where each ends is docs/identify.md's word, not the matcher's. */
#ifndef UKETSUKE_SANDBOX_TOWN_KINDS_PEOPLE_H
#define UKETSUKE_SANDBOX_TOWN_KINDS_PEOPLE_H

#include "deploy/sandbox/town.h"

/* The same person, told in another way. */
void former_surname_prepare(struct draft *draft);
void common_name_prepare(struct draft *draft);
void variant_kanji_prepare(struct draft *draft);
void substituted_prepare(struct draft *draft);
void renewed_card_prepare(struct draft *draft);
void phone_prepare(struct draft *draft);

/* Not to be told by machine. */
void unlinked_prepare(struct draft *draft);
void facts_differ_prepare(struct draft *draft);
void married_prepare(struct draft *draft);
void moved_prepare(struct draft *draft);
void agent_prepare(struct draft *draft);
void protected_prepare(struct draft *draft);
void not_resident_prepare(struct draft *draft);
void number_mismatch_prepare(struct draft *draft);
void resident_unknown_prepare(struct draft *draft);
void many_links_prepare(struct draft *draft);
void proposed_prepare(struct draft *draft);
void no_candidate_prepare(struct draft *draft);
void twins_prepare(struct draft *draft);

#endif
