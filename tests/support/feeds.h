/* Feeds for tests: a database with the roles that feeds concern, imports told in one line, and what
 * is found afterwards. */
#ifndef UKETSUKE_TESTS_SUPPORT_FEEDS_H
#define UKETSUKE_TESTS_SUPPORT_FEEDS_H

#include "base/seal.h"
#include "intake/registry/import.h"
#include "tests/support/applications.h"

#define HEADER     "ca,serial,kind,atenabango,valid_from,valid_to\n"
#define OLD_HEADER "ca,serial,kind,atenabango,valid_from,valid_to,old_serial\n"

#define RESIDENTS                                                                                  \
    "atenabango,setaibango,tsuzukigara,shimei,shimei_kana,tsusho,tsusho_kana,kyuuji,"              \
    "shimei_gaikokujin_romaji,shimei_gaikokujin_kanji,seinengappi,seinengappi_fushoflag,"          \
    "seinengappi_fushohyoki,seibetsu,jusho_shikuchoson_code,jusho_machiaza_code,jusho_todofuken,"  \
    "jusho_shikugunchoson,jusho_machiaza,jusho_banchigohyoki,jusho_katagaki,jusho_yubinbango,"     \
    "juminjotai,idonengappi,shiensochi_flag,shiensochi_kaishi,shiensochi_shuryo,fukaiji_flag,"     \
    "fukaiji_kaishi,fukaiji_shuryo,kojinbango,juminhyokodo\n"
/* number, name, town, 個人番号, 住民票コード */
#define RESIDENT(number, name, town, kojinbango, code)                                             \
    number ",H1,妻," name                                                                          \
           ",サイトウ　ハナコ,,,渡邊,,,1990-01-02,,,2,992011,1234567,桜県,桜野市," town            \
           ",１丁目２番３号,桜荘１０１,1000001,1,,,,,,,," kojinbango "," code "\n"

extern struct test_database feeds_database;
extern struct db *feeds_registry, *feeds_identify, *feeds_administrator, *feeds_owner; /* by role */

int feeds_set_up(void **state);
int feeds_tear_down(void **state);
int feeds_reset(void **state); /* no feed has come */

struct call {
    enum feed_kind kind;
    bool full;
    const char *source;    /* NULL: juki */
    const char *actor;     /* NULL: operator:one */
    int64_t removals_most; /* percent */
    int64_t protections_most;
    bool compare_only;
    struct feed feed; /* what is special: sequence, as_of, promised … */
};
bool import_call(const char *text, const struct call *call,
                 struct registry_import_result *ret_result, struct failure *f);
/* Links. */
bool import_text(const char *text, bool full, struct registry_import_result *ret_result,
                 struct failure *f);
/* Must go well. */
struct registry_import_result import_as(const char *text, const struct call *call);
struct registry_import_result import_good(const char *text, bool full);
/* Must fail so, and change nothing of the result. */
void import_bad(const char *text, const struct call *call, enum failure_kind kind,
                const char *expected);

long long links(void); /* how many there are */
/* The 宛名番号 found, or "none", or "many". */
const char *found(const char *ca, const char *serial, const char *at);

#endif
