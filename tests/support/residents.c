#include "tests/support/residents.h"

#include <stdlib.h>

#include "intake/identify/fold.h"

static const char *or_else(const char *text, const char *usual)
{
    return text ? text : usual;
}

void test_resident_make(const struct test_database *t, const struct test_resident *r)
{
    char name_key[FOLD_KEY], kana_key[FOLD_KEY], address_key[FOLD_KEY];
    const char *name = or_else(r->name, "桜野　花子"), *kana = or_else(r->kana, "");
    const struct address_parts parts = {"試験県", "桜野市", or_else(r->town, "本町一丁目"),
                                        or_else(r->lot, "２番３号"), or_else(r->building, "")};
    fold_name_key(name, name_key);
    fold_kana_key(kana, kana_key);
    fold_address_key(&parts, address_key);
    char *sql = text_format(
        "DELETE FROM resident WHERE atenabango = '%s';"
        "INSERT INTO resident VALUES ('" TEST_CITY "', '%s', 1, '2020-01-01', 'juki',"
        " decode(repeat('00', 16), 'hex'), '%s', '', '%s', '%s', '', '', '', '', '', %d, '', '%c',"
        " '992011', '', '%s', '%s', '%s', '%s', '%s', '', %d, 0, %s, %s, NULL, NULL, NULL, NULL,"
        " NULL, '%s', '%s', '', '', '', '', '%s');"
        "INSERT INTO registry_change (city_code, import_id, atenabango)"
        " VALUES ('" TEST_CITY "', 1, '%s')",
        r->atenabango, r->atenabango, or_else(r->household, "H1"), name, kana,
        r->birth_date ? r->birth_date : 19920401, r->sex ? r->sex : '2', parts.prefecture,
        parts.municipality, parts.town, parts.lot, parts.building, r->status,
        r->is_protected ? "19500101" : "NULL", r->is_protected ? "99991231" : "NULL", name_key,
        kana_key, address_key, r->atenabango);
    test_sql(t, sql);
    free(sql);
}

void test_link_make(const struct test_database *t, const char *serial, const char *atenabango)
{
    char *sql = text_format(
        "INSERT INTO registry_link (city_code, ca, serial, atenabango, kind, import_id, source)"
        " VALUES ('" TEST_CITY "', 'sign', '%s', '%s', 'card', 1, 'juki');"
        "INSERT INTO registry_change (city_code, import_id, atenabango, ca, serial)"
        " VALUES ('" TEST_CITY "', 1, '%s', 'sign', '%s')",
        serial, atenabango, atenabango, serial);
    test_sql(t, sql);
    free(sql);
}

void test_residents_clear(const struct test_database *t)
{
    test_sql(t, "DELETE FROM registry_link; DELETE FROM resident; DELETE FROM registry_change");
}
