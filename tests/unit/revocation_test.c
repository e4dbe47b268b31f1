/* Fetching revocation lists: each source for itself, never an older list, never a part of one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/xml.h"
#include "intake/examine.h"
#include "intake/revocation.h"
#include "tests/support/package.h"
#include "tests/support/pki.h"
#include "tests/support/trust.h"

static struct pki_ca ca, stranger;
static struct trust *trust;
static char folder[] = "/tmp/revocation_test.XXXXXX";

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st, (void)type, (void)walk;
    return remove(path);
}

static int set_up(void **state)
{
    (void)state;
    log_open("test", LOG_LEVEL_ERROR, false);
    ca = pki_ca_make((struct pki_ca_options){0});
    stranger = pki_ca_make((struct pki_ca_options){.number = 3});
    trust = trust_of(&ca.certificate, 1);
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    trust_free(trust);
    pki_ca_free(&ca);
    pki_ca_free(&stranger);
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void put(const char *name, struct bytes content)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/%s", folder, name);
    _cleanup_(cleanup_file) FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(content.data, 1, content.length, file), content.length);
}

static void put_list(const char *name, const struct pki_ca *by, const char *city, long number)
{
    struct pki_crl crl = {.city = city, .number = number};
    assert_true(instant_parse("2026-11-21T00:00:00Z", &crl.from));
    assert_true(instant_parse("2026-11-28T00:00:00Z", &crl.to));
    crl.from += number * INSTANT_SECOND;
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    pki_crl_make(by, &crl, &der);
    put(name, buffer_bytes(&der));
}

/* A configuration with these sources, which are files of the test's folder. */
static struct config *config_of(const char *a, const char *b)
{
    static const struct config_section *const sections[] = {&revocation_config_section};
    _cleanup_(cleanup_text) char *text =
        text_format("[revocation]\ndirectory = %s/crl\nsources = %s/%s %s/%s\nsize-most = 100K\n",
                    folder, folder, a, folder, b);
    struct config *config;
    struct failure f = {0};
    if (!config_parse("test", bytes_of_text(text), sections, 1, &config, &f))
        fail_msg("%s", f.text);
    return config;
}

/* What is stored for a source; false when nothing. */
static bool stored(const char *source, struct crl_facts *ret_facts)
{
    char name[REVOCATION_FILE_NAME];
    _cleanup_(cleanup_text) char *from = text_format("%s/%s", folder, source);
    _cleanup_(cleanup_text) char *path =
        text_format("%s/crl/%s", folder, revocation_file_name(from, name));
    _cleanup_(cleanup_buffer) struct buffer content = {0};
    return revocation_file_read(path, REVOCATION_FILE_MOST, &content, NULL) &&
           revocation_check(buffer_bytes(&content), trust, ret_facts, NULL);
}

static size_t files_in_store(void)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/crl", folder);
    DIR *directory = opendir(path);
    size_t count = 0;
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(directory);
    return count;
}

static void test_update(void **state)
{
    (void)state;
    struct failure f = {0};
    struct crl_facts facts;
    struct config *config = config_of("a.crl", "b.crl");
    put_list("a.crl", &ca, NULL, 5);
    put_list("b.crl", &ca, PKI_OTHER_CITY, 7);
    assert_int_equal(revocation_update(config, trust, &f), 0);
    assert_true(stored("a.crl", &facts));
    assert_string_equal(facts.number, "05");
    assert_true(stored("b.crl", &facts));
    assert_int_equal(files_in_store(), 2); /* and no draft */

    put_list("a.crl", &ca, NULL, 4); /* older: kept out; the other goes on */
    put_list("b.crl", &ca, PKI_OTHER_CITY, 8);
    assert_int_equal(revocation_update(config, trust, &f), 1);
    assert_non_null(strstr(f.text, "older"));
    assert_true(stored("a.crl", &facts));
    assert_string_equal(facts.number, "05");
    assert_true(stored("b.crl", &facts));
    assert_string_equal(facts.number, "08");
    assert_int_equal(files_in_store(), 2);
    config_free(config);
}

static void test_bad_sources(void **state)
{
    (void)state;
    struct crl_facts facts;
    struct config *config = config_of("c.crl", "d.crl");
    _cleanup_(cleanup_buffer) struct buffer large = {0};
    memset(buffer_reserve(&large, 102401), 'x', 102401);
    buffer_commit(&large, 102401);
    put_list("d.crl", &ca, NULL, 1);
    for (int fault = 0; fault < 4; fault++) {
        struct failure f = {0};
        if (fault == 1)
            put("c.crl", bytes_of_text("<html>busy</html>"));
        if (fault == 2)
            put_list("c.crl", &stranger, NULL, 1);
        if (fault == 3)
            put("c.crl", buffer_bytes(&large));
        assert_int_equal(revocation_update(config, trust, &f), 1); /* fault 0: no such file */
        assert_non_null(strstr(f.text, "c.crl"));
        assert_false(stored("c.crl", &facts));
        assert_true(stored("d.crl", &facts));
    }
    config_free(config);
}

static void test_replaces(void **state)
{
    (void)state;
    struct crl_facts now = {.partition = "CN=a", .number = "0100", .this_update = 10};
    struct crl_facts next = now;
    assert_true(revocation_replaces(&now, &next, NULL));
    next.this_update = 9;
    assert_false(revocation_replaces(&now, &next, NULL));
    snprintf(next.number, sizeof next.number, "0101");
    assert_true(revocation_replaces(&now, &next, NULL));
    snprintf(next.number, sizeof next.number, "ff"); /* a shorter text, a smaller number */
    assert_false(revocation_replaces(&now, &next, NULL));
    snprintf(next.number, sizeof next.number, "000200");
    assert_true(revocation_replaces(&now, &next, NULL));
    snprintf(next.partition, sizeof next.partition, "CN=b");
    assert_false(revocation_replaces(&now, &next, NULL));
}

/* The examiner sees a new list, and a bad file in the folder takes nothing away. */
static void test_refresh(void **state)
{
    (void)state;
    struct failure f = {0};
    struct examiner examiner = {.trust = trust};
    snprintf(examiner.crl_directory, sizeof examiner.crl_directory, "%s/nowhere", folder);
    assert_true(examiner_refresh(&examiner, &f));
    assert_int_equal(crl_set_count(examiner.crls), 0);
    snprintf(examiner.crl_directory, sizeof examiner.crl_directory, "%s", folder);
    put_list("x.crl", &ca, NULL, 1);
    put("y.crl", bytes_of_text("not a list"));
    assert_true(examiner_refresh(&examiner, &f));
    size_t before = crl_set_count(examiner.crls);
    assert_true(before >= 1);
    const struct crl_set *same = examiner.crls;
    assert_true(examiner_refresh(&examiner, &f));
    assert_ptr_equal(examiner.crls, same); /* nothing changed: nothing is loaded */
    put_list("z.crl", &ca, "Momiji-shi CRLDP", 1);
    assert_true(examiner_refresh(&examiner, &f));
    assert_int_equal(crl_set_count(examiner.crls), before + 1);
    crl_set_free(examiner.crls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_update),
        cmocka_unit_test(test_bad_sources),
        cmocka_unit_test(test_replaces),
        cmocka_unit_test(test_refresh),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
