/* The registry's feeds: residents and serial links, written as they are made, with their manifests
 * at the end (docs/formats/registry-feed.md). */
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "deploy/sandbox/city.h"

#define LINKS_OF_PERSON 12 /* at most: four certificates, three generations */
#define SERIAL_PRIME    2654435761u
#define PHONE_PERCENT   30

struct feed_file {
    FILE *out;
    int64_t rows;
};
struct city_feeds {
    const struct city_options *options;
    struct feed_file residents, links;
    struct dice dice;
    uint32_t made[2]; /* serial numbers of the signing and of the login CA */
};

/* --- the files -------------------------------------------------------------------------------- */

static FILE *file_open(const char *folder, const char *name, struct failure *f)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/%s", folder, name);
    FILE *file = fopen(path, "w+e");
    if (!file)
        failure_errno(f, "%s cannot be written", path);
    return file;
}

bool city_feeds_open(const struct city_options *options, struct city_feeds **ret_feeds,
                     struct failure *f)
{
    struct city_feeds *feeds = memory_allocate(sizeof *feeds);
    feeds->options = options;
    feeds->dice = dice_make((uint64_t)options->seed, UINT64_MAX - 1);
    feeds->residents.out = file_open(options->folder, "residents.csv", f);
    feeds->links.out = feeds->residents.out ? file_open(options->folder, "links.csv", f) : NULL;
    *ret_feeds = feeds;
    if (!feeds->links.out)
        return false;
    fputs("atenabango,setaibango,tsuzukigara,shimei,shimei_kana,tsusho,tsusho_kana,kyuuji,"
          "shimei_gaikokujin_romaji,shimei_gaikokujin_kanji,seinengappi,seinengappi_fushoflag,"
          "seinengappi_fushohyoki,seibetsu,jusho_shikuchoson_code,jusho_machiaza_code,"
          "jusho_todofuken,jusho_shikugunchoson,jusho_machiaza,jusho_banchigohyoki,"
          "jusho_katagaki,jusho_yubinbango,juminjotai,idonengappi,shiensochi_flag,"
          "shiensochi_kaishi,shiensochi_shuryo,fukaiji_flag,fukaiji_kaishi,fukaiji_shuryo,"
          "kojinbango\n",
          feeds->residents.out);
    fputs("ca,serial,kind,atenabango,valid_from,valid_to,old_serial\n", feeds->links.out);
    return true;
}

static void hash_file(FILE *file, char ret_hex[65])
{
    uint8_t block[65536], hash[32];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_DigestInit_ex(context, EVP_sha256(), NULL);
    rewind(file);
    for (size_t n; (n = fread(block, 1, sizeof block, file)) > 0;)
        EVP_DigestUpdate(context, block, n);
    EVP_DigestFinal_ex(context, hash, NULL);
    EVP_MD_CTX_free(context);
    hex_encode(hash, sizeof hash, ret_hex);
}

static bool manifest_write(const struct city_feeds *feeds, struct feed_file *feed, const char *kind,
                           struct failure *f)
{
    char hash[65], as_of[INSTANT_TEXT];
    _cleanup_(cleanup_text) char *name = text_format("%s.json", kind);
    _cleanup_(cleanup_text) char *done = text_format("%s.done", kind);
    if (fflush(feed->out) != 0 || ferror(feed->out))
        return failure_errno(f, "%s.csv cannot be written", kind);
    hash_file(feed->out, hash);
    _cleanup_(cleanup_file) FILE *out = file_open(feeds->options->folder, name, f);
    if (!out)
        return false;
    fprintf(out,
            "{\"format\":\"uketsuke-registry-1\",\"city_code\":\"%s\",\"kind\":\"%s\","
            "\"source\":\"juki\",\"load\":\"full\",\"sequence\":1,\"as_of\":\"%s\","
            "\"encoding\":\"utf-8\",\"serials\":\"hex\",\"file\":\"%s.csv\",\"rows\":%" PRId64
            ",\"sha256\":\"%s\"}\n",
            CITY_CODE, kind, instant_text_jst(feeds->options->now, as_of), kind, feed->rows, hash);
    _cleanup_(cleanup_file) FILE *marker = file_open(feeds->options->folder, done, f);
    return marker != NULL;
}

bool city_feeds_close(struct city_feeds *feeds, struct failure *f)
{
    bool written = feeds->links.out && manifest_write(feeds, &feeds->residents, "residents", f) &&
                   manifest_write(feeds, &feeds->links, "links", f);
    if (feeds->residents.out)
        fclose(feeds->residents.out);
    if (feeds->links.out)
        fclose(feeds->links.out);
    free(feeds);
    return written;
}

/* --- residents -------------------------------------------------------------------------------- */

static void resident_write(struct city_feeds *feeds, const struct home *home,
                           const struct citizen *who)
{
    char name[CITY_NAME], kana[CITY_NAME], birth[11];
    const struct city_address *a = &home->address;
    citizen_registered(who, name);
    citizen_kana(who, kana);
    citizen_birth(who, birth);
    bool common = *who->roman && who->has_common;
    fprintf(feeds->residents.out, "%s,%s,%s,%s,%s,%s%s%s,%s%s%s,%s,%s,,%s,%s,,%c,%s,,",
            who->atenabango, home->household, who->relation, name, kana,
            common ? who->family.registered : "", common ? "　" : "",
            common ? who->given.registered : "", common ? who->family.kana : "", common ? "　" : "",
            common ? who->given.kana : "", who->former, who->roman, birth,
            who->day_unknown ? "1" : "", who->sex, CITY_CODE);
    fprintf(feeds->residents.out, "%s,%s,%s,%s,%s,,%c,,%s,%s,,,,,%s\n", CITY_PREFECTURE,
            CITY_MUNICIPALITY, a->town, a->lots, a->building, who->status,
            who->is_protected ? "1" : "", who->is_protected ? "2024-04-01" : "", who->number);
    feeds->residents.rows++;
}

/* --- links ------------------------------------------------------------------------------------ */

enum ca { SIGN, AUTH };
static const char *const ca_words[] = {"sign", "auth"};

/* The two CAs count apart, so the same numbers are of different people. */
static void serial_next(struct city_feeds *feeds, enum ca ca, char ret_serial[24])
{
    snprintf(ret_serial, 24, "2A%08" PRIX32, (uint32_t)(++feeds->made[ca] * SERIAL_PRIME));
}

void city_serial_make(struct city_feeds *feeds, char ret_serial[24])
{
    serial_next(feeds, SIGN, ret_serial);
}

struct link {
    enum ca ca;
    bool phone;
    int generation; /* 0: in force now */
};

static void link_write(struct city_feeds *feeds, const struct citizen *who, const struct link *link,
                       const char *serial, const char *old)
{
    char from[INSTANT_TEXT], to[INSTANT_TEXT];
    instant since = who->card_from - 1800 * INSTANT_DAY * link->generation;
    instant_text_jst(since, from);
    instant_text_jst(since + 1800 * INSTANT_DAY, to);
    fprintf(feeds->links.out, "%s,%s,%s,%s,%s,%s,%s\n", ca_words[link->ca], serial,
            link->phone ? "phone" : "card", who->atenabango, from, link->generation ? to : "", old);
    feeds->links.rows++;
}

void city_feeds_link(struct city_feeds *feeds, const char *serial, const char *atenabango)
{
    fprintf(feeds->links.out, "sign,%s,card,%s,2020-04-01T00:00:00+09:00,,\n", serial, atenabango);
    feeds->links.rows++;
}

/* The how-manieth link of a person: children have certificates for login only. */
static struct link link_of(bool child, bool phone, int place)
{
    if (child)
        return (struct link){AUTH, false, place};
    if (phone)
        return (struct link){place % 2, place / 2 % 2, place / 4};
    return (struct link){place % 2, false, place / 2};
}

/* About as many as keep the sum on its way to what was asked for. */
static int links_due(struct city_feeds *feeds, bool child, unsigned wishes)
{
    const struct city_options *options = feeds->options;
    int64_t target = options->links * feeds->residents.rows / options->residents;
    int64_t due = target - feeds->links.rows;
    bool last = feeds->residents.rows == options->residents;
    if (!last)
        due += dice_between(&feeds->dice, -1, 1);
    int64_t most = last ? LINKS_OF_PERSON : child ? 2 : 6;
    int64_t least = wishes & (WISH_RENEWED | WISH_PHONE) ? 4 : 1;
    return (int)(due < least ? least : due > most ? most : due);
}

static void links_write(struct city_feeds *feeds, const struct home *home, struct citizen *who)
{
    unsigned wishes = who == home->at ? home->wishes : 0;
    bool child = who - home->at >= (ptrdiff_t)home->adults;
    bool phone = wishes & WISH_PHONE ||
                 (!(wishes & WISH_RENEWED) && dice_chance(&feeds->dice, PHONE_PERCENT));
    char last[2][2][24] = {0}; /* of CA and device: what the next one renews */
    for (int place = links_due(feeds, child, wishes) - 1; place >= 0; place--) {
        struct link link = link_of(child, phone, place);
        char serial[24], *old = last[link.ca][link.phone];
        serial_next(feeds, link.ca, serial);
        link_write(feeds, who, &link, serial, old);
        if (link.ca == SIGN && !link.phone)
            memcpy(who->sign_before, who->sign, sizeof serial), memcpy(who->sign, serial, 24);
        if (link.ca == SIGN && link.phone)
            memcpy(who->phone, serial, sizeof serial);
        memcpy(old, serial, sizeof serial);
    }
}

void city_feeds_home(struct city_feeds *feeds, struct home *home, size_t residents_most)
{
    for (size_t i = 0; i < home->count && i < residents_most; i++) {
        resident_write(feeds, home, &home->at[i]);
        links_write(feeds, home, &home->at[i]);
    }
}
