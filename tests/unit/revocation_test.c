/* intake/revocation: which list takes the place of which, what never does, and who sees it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "intake/examine.h"
#include "intake/index_folder.h"
#include "intake/revocation.h"
#include "intake/revocation_store.h"
#include "tests/support/pki.h"
#include "tests/support/trust.h"

static char folder[] = "/tmp/uketsuke-revocation-XXXXXX";
static struct pki_ca ca, next_ca, stranger;
static struct trust *trust;
static instant day_zero;

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
    next_ca = pki_ca_make((struct pki_ca_options){.number = 1});
    stranger = pki_ca_make((struct pki_ca_options){.number = 3});
    trust = trust_of((X509 *[]){ca.certificate, next_ca.certificate}, 2);
    assert_true(instant_parse("2026-11-21T00:00:00Z", &day_zero));
    clock_fix(day_zero + INSTANT_DAY);
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    clock_fix(0);
    trust_free(trust);
    pki_ca_free(&ca);
    pki_ca_free(&next_ca);
    pki_ca_free(&stranger);
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Each test begins with nothing. */
static int empty(void **state)
{
    (void)state;
    _cleanup_(cleanup_text) char *store = text_format("%s/crl", folder);
    nftw(store, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    clock_fix(day_zero + INSTANT_DAY);
    return 0;
}

static void put(const char *name, struct bytes content)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/%s", folder, name);
    _cleanup_(cleanup_file) FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(content.data, 1, content.length, file), content.length);
}

/* Issued `number` seconds after day zero, for a week. */
static void put_list(const char *name, const struct pki_ca *by, const char *city, long number)
{
    struct pki_crl crl = {.city = city, .number = number, .from = day_zero, .to = day_zero};
    crl.from += number * INSTANT_SECOND;
    crl.to += 7 * INSTANT_DAY;
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    pki_crl_make(by, &crl, &der);
    put(name, buffer_bytes(&der));
}

/* Lists "a" and "b", from files of the test's folder; `more` goes into the section of "a". */
static struct config *config_of(const char *more)
{
    static const struct config_section *const sections[] = {&revocation_config_section,
                                                            &revocation_list_config_section};
    _cleanup_(cleanup_text) char *text =
        text_format("[revocation]\ndirectory = %s/crl\nsize-most = 100K\n"
                    "[revocation-list a]\nsources = %s/a.crl %s/a2.crl\n%s\n"
                    "[revocation-list b]\nsources = %s/b.crl\n",
                    folder, folder, folder, more ? more : "", folder);
    struct config *config;
    struct failure f = {0};
    if (!config_parse("test", bytes_of_text(text), sections, 2, &config, &f))
        fail_msg("%s", f.text);
    return config;
}

/* What came of list "a", and the words of it. */
static enum revocation_change fetched(const struct config *config, const char **ret_said)
{
    static struct failure f;
    f = (struct failure){0};
    enum revocation_change change =
        revocation_fetch(config, config_find(config, "revocation-list", "a"), trust, &f);
    *ret_said = f.text;
    return change;
}

/* Number of the list in use; "" when there is none. */
static const char *number_of(const char *name)
{
    static char number[43];
    _cleanup_(cleanup_text) char *store = text_format("%s/crl", folder);
    _cleanup_(cleanup_text) char *path = index_path(store, name);
    struct crl_index *index;
    if (!crl_index_open(path, &index, NULL))
        return "";
    snprintf(number, sizeof number, "%s", crl_index_facts(index)->number);
    crl_index_free(index);
    return number;
}

static size_t files_in(const char *name)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/%s", folder, name);
    DIR *directory = opendir(path);
    size_t count = 0;
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));)
        count += entry->d_type == DT_REG;
    closedir(directory);
    return count;
}

static void updates_of_all_lists(void **state)
{
    (void)state;
    struct failure f = {0};
    struct config *config = config_of(NULL);
    put_list("a.crl", &ca, NULL, 5);
    put_list("b.crl", &ca, PKI_OTHER_CITY, 7);
    struct revocation_round round = revocation_update(config, trust, &f);
    assert_int_equal(round.lists, 2);
    assert_int_equal(round.stored, 2);
    assert_string_equal(number_of("a"), "05");
    assert_string_equal(number_of("b"), "07");
    assert_int_equal(files_in("crl"), 4); /* .idx and .last of each, and no draft */
    assert_int_equal(files_in("crl/archive"), 2);

    round = revocation_update(config, trust, &f);
    assert_int_equal(round.stored + round.refused + round.failed, 0); /* as they were */

    put_list("a.crl", &ca, NULL, 4); /* older: kept out; the other goes on */
    put_list("b.crl", &ca, PKI_OTHER_CITY, 8);
    round = revocation_update(config, trust, &f);
    assert_int_equal(round.stored, 1);
    assert_int_equal(round.refused, 1);
    assert_non_null(strstr(f.text, "list a: "));
    assert_non_null(strstr(f.text, "older"));
    assert_string_equal(number_of("a"), "05");
    assert_string_equal(number_of("b"), "08");
    assert_int_equal(files_in("crl"), 4);
    assert_int_equal(files_in("crl/archive"), 3); /* that of 7 judged the past */
    config_free(config);
}

/* Of each: the words, and that the good one stays. */
static void never_replaced_by(void **state)
{
    (void)state;
    struct config *config = config_of(NULL);
    _cleanup_(cleanup_buffer) struct buffer large = {0}, cut = {0};
    struct pki_crl crl = {.number = 9, .from = day_zero, .to = day_zero + INSTANT_DAY};
    const char *said;
    memset(buffer_reserve(&large, 102401), '-', 102401);
    buffer_commit(&large, 102401);
    pki_crl_make(&ca, &crl, &cut);
    put_list("a.crl", &ca, NULL, 5);
    assert_int_equal(fetched(config, &said), REVOCATION_STORED);
    static const struct {
        enum revocation_change change;
        const char *said;
    } wanted[] = {
        {REVOCATION_REFUSED, "not one in DER or PEM"},
        {REVOCATION_REFUSED, "not signed by a trust anchor"},
        {REVOCATION_REFUSED, "signed by another generation"},
        {REVOCATION_REFUSED, "another partition than before"},
        {REVOCATION_REFUSED, "not whole"},
        {REVOCATION_REFUSED, "is the clock right"},
        {REVOCATION_REFUSED, "too old to be used"},
        {REVOCATION_REFUSED, "older than the one that is here"},
        {REVOCATION_REFUSED, "not one in DER or PEM"}, /* found out before it is too large */
        {REVOCATION_FAILED, "cannot be opened"},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        clock_fix(day_zero + INSTANT_DAY);
        if (i == 0)
            put("a.crl", bytes_of_text("<html>busy</html>"));
        if (i == 1)
            put_list("a.crl", &stranger, NULL, 6);
        if (i == 2)
            put_list("a.crl", &next_ca, NULL, 6);
        if (i == 3)
            put_list("a.crl", &ca, PKI_OTHER_CITY, 6);
        if (i == 4)
            put("a.crl", bytes_of(cut.data, cut.length - 1));
        if (i >= 5)
            put_list("a.crl", &ca, NULL, 6);
        if (i == 5)
            clock_fix(day_zero + 5 * INSTANT_SECOND - 300 * INSTANT_SECOND);
        if (i == 6)
            clock_fix(day_zero + 7 * INSTANT_DAY + 6 * INSTANT_SECOND + 1);
        if (i == 7)
            put_list("a.crl", &ca, NULL, 4);
        if (i == 8)
            put("a.crl", buffer_bytes(&large));
        if (i == 9) {
            _cleanup_(cleanup_text) char *path = text_format("%s/a.crl", folder);
            unlink(path);
        }
        enum revocation_change change = fetched(config, &said);
        if (change != wanted[i].change || !strstr(said, wanted[i].said))
            fail_msg("%zu: %s, \"%s\"", i, revocation_change_name(change), said);
        assert_string_equal(number_of("a"), "05");
        assert_int_equal(files_in("crl"), 2);
        assert_int_equal(files_in("crl/archive"), 1);
    }
    config_free(config);
}

static void size_at_its_limit(void **state)
{
    (void)state;
    static const struct config_section *const sections[] = {&revocation_config_section,
                                                            &revocation_list_config_section};
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    struct pki_crl crl = {.number = 9, .from = day_zero, .to = day_zero + 7 * INSTANT_DAY};
    pki_crl_make(&ca, &crl, &der);
    buffer_reserve(&der, 2048);
    for (int less = 1; less >= 0; less--) {
        /* Bytes behind the list are refused too, but a limit is met before they are looked at. */
        const char *said;
        _cleanup_(cleanup_buffer) struct buffer content = {0};
        buffer_append(&content, der.data, der.length);
        size_t most = 1024 + (size_t)less;
        memset(buffer_reserve(&content, most), 0, most);
        content.length = 1025;
        put("a.crl", buffer_bytes(&content));
        _cleanup_(cleanup_text) char *text =
            text_format("[revocation]\ndirectory = %s/crl\nsize-most = %zu\n"
                        "[revocation-list a]\nsources = %s/a.crl\n",
                        folder, most, folder);
        struct config *config;
        struct failure f = {0};
        assert_true(config_parse("test", bytes_of_text(text), sections, 2, &config, &f));
        enum revocation_change change = fetched(config, &said);
        assert_int_equal(change, less ? REVOCATION_REFUSED : REVOCATION_FAILED);
        assert_non_null(strstr(said, less ? "something follows it" : "larger than the 1024 bytes"));
        config_free(config);
    }
}

static void as_configured(void **state)
{
    (void)state;
    char issuer[65];
    const char *said;
    pki_fingerprint(ca.certificate, issuer);
    _cleanup_(cleanup_text) char *more = text_format(
        "partition = CN=Sakurano-shi CRLDP,OU=CRL Distribution Points\nissuer = %s", issuer);
    struct config *config = config_of(more);
    put_list("a.crl", &ca, NULL, 1);
    assert_int_equal(fetched(config, &said), REVOCATION_REFUSED);
    assert_non_null(strstr(said, "the list is of the partition \"CN=Sakurano-shi CRLDP,"));
    config_free(config);

    _cleanup_(cleanup_text) char *only_issuer = text_format("issuer = %s", issuer);
    config = config_of(only_issuer);
    put_list("a.crl", &next_ca, NULL, 1);
    assert_int_equal(fetched(config, &said), REVOCATION_REFUSED);
    assert_non_null(strstr(said, "not by the one configured"));
    put_list("a.crl", &ca, NULL, 1);
    assert_int_equal(fetched(config, &said), REVOCATION_STORED);
    config_free(config);
}

static void the_first_source_that_is_good(void **state)
{
    (void)state;
    struct config *config = config_of(NULL);
    const char *said;
    put("a.crl", bytes_of_text("busy"));
    put_list("a2.crl", &ca, NULL, 3);
    assert_int_equal(fetched(config, &said), REVOCATION_STORED);
    assert_string_equal(number_of("a"), "03");
    put("a2.crl", bytes_of_text("busy"));
    assert_int_equal(fetched(config, &said), REVOCATION_REFUSED);
    assert_non_null(strstr(said, "a.crl: "));
    config_free(config);
}

static void names_are_file_names(void **state)
{
    (void)state;
    static const struct config_section *const sections[] = {&revocation_config_section,
                                                            &revocation_list_config_section};
    static const char *const names[] = {"../a", "A", "a.b", "-a", "a/b"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        _cleanup_(cleanup_text) char *text =
            text_format("[revocation-list %s]\nsources = x\n", names[i]);
        struct config *config;
        struct failure f = {0};
        assert_true(config_parse("test", bytes_of_text(text), sections, 2, &config, &f));
        assert_int_equal(
            revocation_fetch(config, config_find(config, "revocation-list", names[i]), trust, &f),
            REVOCATION_FAILED);
        assert_int_equal(f.kind, FAILURE_USAGE);
        config_free(config);
    }
}

/* A file that is no index is in nobody's way, and what a killed process left neither. */
static void damage_is_mended(void **state)
{
    (void)state;
    struct config *config = config_of(NULL);
    const char *said;
    put_list("a.crl", &ca, NULL, 3);
    assert_int_equal(fetched(config, &said), REVOCATION_STORED);
    put("crl/a.idx", bytes_of_text("half"));
    put("crl/.draft", bytes_of_text("half"));
    put("crl/.runs", bytes_of_text("half"));
    assert_string_equal(number_of("a"), "");
    assert_int_equal(fetched(config, &said), REVOCATION_STORED);
    assert_string_equal(number_of("a"), "03");
    assert_int_equal(files_in("crl"), 2);
    config_free(config);
}

static void archived_as(char path[256])
{
    struct crl_index *index;
    _cleanup_(cleanup_text) char *store = text_format("%s/crl", folder);
    _cleanup_(cleanup_text) char *current = index_path(store, "a");
    assert_true(crl_index_open(current, &index, NULL));
    _cleanup_(cleanup_text) char *archived = index_archive_path(store, crl_index_sha256(index));
    snprintf(path, 256, "%s", archived);
    crl_index_free(index);
}

/* Another byte, whatever stood there. */
static void damage(const char *path)
{
    _cleanup_(cleanup_file) FILE *file = fopen(path, "r+e");
    assert_non_null(file);
    assert_int_equal(fseek(file, 600, SEEK_SET), 0);
    int other = fgetc(file) ^ 1;
    assert_int_equal(fseek(file, 600, SEEK_SET), 0);
    assert_int_equal(fputc(other, file), other);
}

static void assert_sound(const char *path)
{
    struct crl_index *index;
    struct failure f = {0};
    if (!crl_index_open(path, &index, &f))
        fail_msg("%s", f.text);
    crl_index_free(index);
}

/* In use and in the archive it is one file: what damages the one damages the other. */
static void the_archive_is_mended(void **state)
{
    (void)state;
    struct config *config = config_of(NULL);
    char archived[256];
    const char *said;
    put_list("a.crl", &ca, NULL, 3);
    assert_int_equal(fetched(config, &said), REVOCATION_STORED);
    archived_as(archived);
    damage(archived);
    assert_string_equal(number_of("a"), "");
    assert_int_equal(fetched(config, &said), REVOCATION_STORED);
    assert_string_equal(number_of("a"), "03");
    assert_sound(archived);
    assert_int_equal(files_in("crl/archive"), 1);

    unlink(archived); /* the list in use is good, and the same comes again */
    assert_int_equal(fetched(config, &said), REVOCATION_UNCHANGED);
    assert_sound(archived);
    _cleanup_(cleanup_text) char *copy =
        text_format("cp %s %s.2 && mv %s.2 %s", archived, archived, archived, archived);
    assert_int_equal(system(copy), 0); /* another file, and damaged */
    damage(archived);
    assert_int_equal(fetched(config, &said), REVOCATION_UNCHANGED);
    assert_sound(archived);
    assert_int_equal(files_in("crl/archive"), 1);
    config_free(config);
}

/* Without an index to compare with, the last one that was in use is still known. */
static void no_older_list_comes_in(void **state)
{
    (void)state;
    struct config *config = config_of(NULL);
    const char *said;
    put_list("a.crl", &ca, NULL, 5);
    assert_int_equal(fetched(config, &said), REVOCATION_STORED);
    for (int gone = 0; gone <= 1; gone++) {
        put("crl/a.idx", bytes_of_text("half"));
        if (gone) {
            _cleanup_(cleanup_text) char *index = text_format("%s/crl/a.idx", folder);
            unlink(index);
        }
        put_list("a.crl", &ca, NULL, 4);
        assert_int_equal(fetched(config, &said), REVOCATION_REFUSED);
        assert_non_null(strstr(said, "older than the one that is here"));
        put_list("a.crl", &next_ca, NULL, 6);
        assert_int_equal(fetched(config, &said), REVOCATION_REFUSED);
        assert_string_equal(number_of("a"), "");
        put_list("a.crl", &ca, NULL, 5);
        assert_int_equal(fetched(config, &said), REVOCATION_STORED);
    }
    /* Not even that is known: a person has to look. A good index is enough, and mends it. */
    put("crl/a.last", bytes_of_text("{}"));
    put_list("a.crl", &ca, NULL, 4);
    assert_int_equal(fetched(config, &said), REVOCATION_REFUSED);
    put_list("a.crl", &ca, NULL, 5);
    assert_int_equal(fetched(config, &said), REVOCATION_UNCHANGED);
    put("crl/a.idx", bytes_of_text("half"));
    put_list("a.crl", &ca, NULL, 4);
    assert_int_equal(fetched(config, &said), REVOCATION_REFUSED);
    assert_non_null(strstr(said, "older than the one that is here"));
    put("crl/a.last", bytes_of_text("{}"));
    assert_int_equal(fetched(config, &said), REVOCATION_REFUSED);
    assert_non_null(strstr(said, "a.last is damaged"));
    assert_string_equal(number_of("a"), "");
    _cleanup_(cleanup_text) char *last = text_format("%s/crl/a.last", folder);
    unlink(last);
    assert_int_equal(fetched(config, &said), REVOCATION_STORED);
    assert_string_equal(number_of("a"), "04");
    config_free(config);
}

static void what_replaces_what(void **state)
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
    next = now;
    snprintf(next.partition, sizeof next.partition, "CN=b");
    assert_false(revocation_replaces(&now, &next, NULL));
}

/* Kept for 400 days after it went out of use; what is in use stays however old. */
static void the_archive(void **state)
{
    (void)state;
    struct config *config = config_of(NULL);
    _cleanup_(cleanup_text) char *store = text_format("%s/crl", folder);
    const instant keep = 400 * INSTANT_DAY;
    const char *said;
    size_t removed;
    struct failure f = {0};
    for (long number = 1; number <= 3; number++) {
        put_list("a.crl", &ca, NULL, number);
        assert_int_equal(fetched(config, &said), REVOCATION_STORED);
    }
    assert_int_equal(files_in("crl/archive"), 3);
    clock_fix(0);
    const instant now = clock_now();
    clock_fix(now + keep - 60 * INSTANT_SECOND);
    assert_true(index_archive_prune(store, keep, &removed, &f));
    assert_int_equal(removed, 0);
    clock_fix(now + keep + 60 * INSTANT_SECOND);
    assert_true(index_archive_prune(store, keep, &removed, &f));
    assert_int_equal(removed, 2);
    assert_int_equal(files_in("crl/archive"), 1);
    assert_string_equal(number_of("a"), "03");
    struct crl_index *index;
    _cleanup_(cleanup_text) char *path = index_path(store, "a");
    assert_true(crl_index_open(path, &index, &f));
    _cleanup_(cleanup_text) char *archived = index_archive_path(store, crl_index_sha256(index));
    crl_index_free(index);
    assert_true(crl_index_open(archived, &index, &f));
    crl_index_free(index);
    config_free(config);
}

/* What examiners are handed: a number tells that something changed, a name is opened as what stands
 * there now, and what is no file is not there. */
static void the_folder_of_indexes(void **state)
{
    (void)state;
    struct failure f = {0};
    struct config *config = config_of(NULL);
    struct index_folder first, same, other;
    struct crl_index *index;
    _cleanup_(cleanup_text) char *path = text_format("%s/crl", folder);
    assert_true(index_folder_read(path, &first, &f)); /* no folder yet */
    assert_int_equal(first.count, 0);
    index_folder_free(&first);
    put_list("a.crl", &ca, NULL, 1);
    put_list("b.crl", &ca, PKI_OTHER_CITY, 1);
    revocation_update(config, trust, &f);
    assert_true(index_folder_read(path, &first, &f) && index_folder_read(path, &same, &f));
    assert_int_equal(first.count, 2);
    assert_true(first.stamp == same.stamp && first.stamp != 0);
    put_list("a.crl", &ca, NULL, 2);
    revocation_update(config, trust, &f);
    assert_true(index_folder_read(path, &other, &f));
    assert_true(other.stamp != first.stamp);
    for (size_t i = 0; i < first.count; i++) {
        _cleanup_(cleanup_fd) int fd = -1;
        assert_true(index_folder_open(&first, i, &fd, &f) && crl_index_map(fd, &index, &f));
        assert_string_equal(crl_index_facts(index)->number,
                            strcmp(first.names[i], "a.idx") == 0 ? "02" : "01");
        crl_index_free(index);
    }
    _cleanup_(cleanup_text) char *gone = text_format("%s/a.idx", path);
    unlink(gone);
    mkdir(gone, 0700);
    int none = -1;
    index_folder_free(&same);
    assert_true(index_folder_read(path, &same, &f));
    assert_int_equal(same.count, 1);
    rmdir(gone);
    for (size_t i = 0; i < first.count; i++)
        if (strcmp(first.names[i], "a.idx") == 0)
            assert_false(index_folder_open(&first, i, &none, &f));
    assert_int_equal(none, -1);
    index_folder_free(&first);
    index_folder_free(&same);
    index_folder_free(&other);
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(updates_of_all_lists, empty),
        cmocka_unit_test_setup(never_replaced_by, empty),
        cmocka_unit_test_setup(size_at_its_limit, empty),
        cmocka_unit_test_setup(as_configured, empty),
        cmocka_unit_test_setup(the_first_source_that_is_good, empty),
        cmocka_unit_test_setup(names_are_file_names, empty),
        cmocka_unit_test_setup(damage_is_mended, empty),
        cmocka_unit_test_setup(the_archive_is_mended, empty),
        cmocka_unit_test_setup(no_older_list_comes_in, empty),
        cmocka_unit_test_setup(what_replaces_what, empty),
        cmocka_unit_test_setup(the_archive, empty),
        cmocka_unit_test_setup(the_folder_of_indexes, empty),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
