/* The four basic facts (基本4情報) as the signing certificate carries them (reference: J-LIS
 * profile of the 署名用電子証明書): otherNames of the subjectAltName, chosen by OID, each a
 * UTF8String. */
#ifndef UKETSUKE_SIGNATURE_FACTS_H
#define UKETSUKE_SIGNATURE_FACTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

#define FACTS_ARC        "1.2.392.200149.8.5.5." /* J-LIS's arc of these otherNames */
#define FACT_TEXT        1024                    /* bytes: 200 characters of UTF-8 and room */
#define FACT_OID_TEXT    64
#define FACTS_OTHERS_MAX 8
#define FACTS_BYTES_MAX  (16 * 1024) /* of the subjectAltName; a real one has near 500 */

/* What is known of a birth date: parts that are not are 0. */
struct birth {
    char era; /* '0' unknown, '1' 明治, '2' 大正, '3' 昭和, '4' 平成, '5' 令和: as issued */
    int year; /* Gregorian */
    int month, day;
};

/* An otherName of the arc that has no meaning here yet (the name's reading, 振り仮名, is to come).
 */
struct other_fact {
    char oid[FACT_OID_TEXT]; /* dotted */
    char text[FACT_TEXT];    /* "" when it is no UTF8String */
};

struct basic_facts {
    char name[FACT_TEXT];             /* .1 氏名 */
    char name_substituted[FACT_TEXT]; /* .2: '0' or '1' for each character of the name */
    char sex;                         /* .3: '1' 男, '2' 女, '3' or '9' 不明 */
    struct birth birth;               /* .4 生年月日 */
    char birth_date[11]; /* the same as YYYY-MM-DD; "" when (partly) unknown, or not of its era */
    char address[FACT_TEXT];                    /* .5 住所 */
    char address_substituted[FACT_TEXT];        /* .6 */
    struct other_fact others[FACTS_OTHERS_MAX]; /* in the certificate's order */
    size_t other_count;
};

/* From the value of the subjectAltName extension: strict DER to its last byte, all six otherNames,
 * each once; of the arc's others at most FACTS_OTHERS_MAX, each once. Names of other kinds are
 * passed over. Texts are UTF-8 (RFC 3629) of characters that are seen, not of blanks alone.
 * *ret_fault is a literal that tells what is wrong with which, never what stands there. */
bool basic_facts_read(struct bytes subject_alt_name, struct basic_facts *ret_facts,
                      const char **ret_fault);

/* docs/formats/certificate.md, "Facts". New reference. */
json_t *basic_facts_to_json(const struct basic_facts *facts);

#endif
