#include "deploy/sandbox/town_registry.h"

#include <inttypes.h>
#include <string.h>

#define STATUS_DAYS    10                    /* before the application: 異動, 支援措置 */
#define RENEWED_AFTER  (60 * INSTANT_SECOND) /* the application: a card's new certificate */
#define SERIAL_PHONE   0x50000000            /* beyond what is issued: the same resident's others */
#define SERIAL_RENEWED 0x60000000

#define FEED_HEAD                                                                                  \
    "atenabango,setaibango,tsuzukigara,shimei,shimei_kana,tsusho,tsusho_kana,kyuuji,"              \
    "shimei_gaikokujin_romaji,shimei_gaikokujin_kanji,seinengappi,seinengappi_fushoflag,"          \
    "seinengappi_fushohyoki,seibetsu,jusho_shikuchoson_code,jusho_machiaza_code,jusho_todofuken,"  \
    "jusho_shikugunchoson,jusho_machiaza,jusho_banchigohyoki,jusho_katagaki,jusho_yubinbango,"     \
    "juminjotai,idonengappi,shiensochi_flag,shiensochi_kaishi,shiensochi_shuryo,fukaiji_flag,"     \
    "fukaiji_kaishi,fukaiji_shuryo,kojinbango"

static FILE *book_open(const char *folder, const char *name, const char *head, struct failure *f)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/%s", folder, name);
    FILE *book = fopen(path, "we");
    if (!book)
        failure_errno(f, "%s cannot be written", path);
    else
        fprintf(book, "%s\n", head);
    return book;
}

static bool book_close(FILE **book, const char *name, struct failure *f)
{
    FILE *closing = TAKE(*book);
    bool good = ferror(closing) == 0;
    return (fclose(closing) == 0 && good) || failure_errno(f, "%s cannot be written", name);
}

bool town_registry_open(const char *folder, struct town_registry *ret_registry, struct failure *f)
{
    const struct {
        FILE **book;
        const char *name, *head;
    } books[] = {
        {&ret_registry->truth, "residents.csv",
         "atenabango,household,name,name_kana,sex,birth_date,address,postal_code,"
         "individual_number"},
        {&ret_registry->residents, "registry-residents.csv", FEED_HEAD},
        {&ret_registry->links, "registry-links.csv",
         "ca,serial,kind,atenabango,valid_from,valid_to,old_serial"},
    };
    *ret_registry = (struct town_registry){0};
    for (size_t i = 0; i < sizeof books / sizeof *books; i++)
        if (!(*books[i].book = book_open(folder, books[i].name, books[i].head, f)))
            return false;
    return true;
}

bool town_registry_close(struct town_registry *registry, struct failure *f)
{
    return book_close(&registry->truth, "residents.csv", f) &&
           book_close(&registry->residents, "registry-residents.csv", f) &&
           book_close(&registry->links, "registry-links.csv", f);
}

void town_registry_free(struct town_registry *registry)
{
    FILE *books[] = {registry->truth, registry->residents, registry->links};
    for (size_t i = 0; i < sizeof books / sizeof *books; i++)
        if (books[i])
            fclose(books[i]);
}

/* --- residents -------------------------------------------------------------------------------- */

static void truth_write(FILE *truth, const struct household *household, const struct person *person)
{
    fprintf(truth, "%s,%.13s,%s,%s,%c,%04d-%02d-%02d,%s,%s,%s\n", person->addressee_number,
            person->addressee_number, person->name, person->name_kana, person->sex,
            person->birth_day.year, person->birth_day.month, person->birth_day.day,
            household->address, household->postal_code, person->individual_number);
}

/* "試験県桜野市本町一丁目２番３号" in the items that the feed has for it. */
static void address_write(FILE *feed, const struct household *household, const char *city)
{
    static const char prefecture[] = "試験県", block[] = "丁目";
    const char *town = household->address + strlen(prefecture) + strlen(city);
    const char *lot = strstr(town, block);
    lot = lot ? lot + strlen(block) : town + strlen(town);
    fprintf(feed, ",,,%s,%s,%.*s,%s,,%s", prefecture, city, (int)(lot - town), town, lot,
            household->postal_code);
}

/* A flag and its days: since `since`, and until further notice. */
static void flag_write(FILE *feed, bool flag, const char *since)
{
    fprintf(feed, ",%s,%s,", flag ? "1" : "", flag ? since : "");
}

static void resident_write(FILE *feed, const struct draft *draft, const struct person *person)
{
    struct day born = person->birth_day;
    struct day day = day_add(day_of_instant(draft->parcel.applied_at), -STATUS_DAYS);
    char since[32];
    snprintf(since, sizeof since, "%04d-%02d-%02d", day.year, day.month, day.day);
    fprintf(feed, "%s,%.13s,,%s,%s,%s,,%s,,,%04d-%02d-%02d,,,%c", person->addressee_number,
            person->addressee_number, person->name, person->name_kana, person->common_name,
            person->former_surname, born.year, born.month, born.day, person->sex);
    address_write(feed, &draft->household, draft->town->city->city);
    fprintf(feed, ",%c,%s", person->status, person->status == PERSON_PRESENT ? "" : since);
    flag_write(feed, person->has_support, since);
    flag_write(feed, person->is_undisclosed, since);
    fprintf(feed, ",%s\n", person->individual_number);
}

static void person_write(const struct town_registry *registry, const struct draft *draft,
                         const struct person *person)
{
    truth_write(registry->truth, &draft->household, person);
    if (draft->registered)
        resident_write(registry->residents, draft, person);
}

static void household_write(const struct town_registry *registry, const struct draft *draft)
{
    const struct household *household = &draft->household;
    person_write(registry, draft, &household->claimant);
    if (household->has_spouse)
        person_write(registry, draft, &household->spouse);
    for (size_t i = 0; i < household->child_count; i++)
        person_write(registry, draft, &household->children[i]);
    if (household->has_other)
        person_write(registry, draft, &household->other);
}

/* --- links ------------------------------------------------------------------------------------ */

struct link {
    const char *ca, *kind;
    uint64_t serial, old_serial; /* old_serial 0: renewed none */
    const struct person *person;
    instant from, to; /* to 0: open */
};

static void link_write(FILE *links, const struct link *link)
{
    char from[INSTANT_TEXT], to[INSTANT_TEXT] = "", old[32] = "";
    instant_text_jst(link->from, from);
    if (link->to)
        instant_text_jst(link->to, to);
    if (link->old_serial)
        snprintf(old, sizeof old, "%" PRIx64, link->old_serial);
    fprintf(links, "%s,%" PRIx64 ",%s,%s,%s,%s,%s\n", link->ca, link->serial, link->kind,
            link->person->addressee_number, from, to, old);
}

static void renewed_write(FILE *links, const struct draft *draft, struct link old)
{
    instant renewed_at = draft->parcel.applied_at + RENEWED_AFTER;
    struct link new = old;
    new.serial = draft->serial + SERIAL_RENEWED;
    new.old_serial = draft->serial;
    new.from = old.to = renewed_at;
    new.to = 0;
    link_write(links, &old);
    link_write(links, &new);
}

static void sign_links_write(FILE *links, const struct draft *draft)
{
    const struct jpki_order *order = &draft->order;
    instant end = jpki_fifth_birthday(draft->signer.birth_day, order->issued);
    struct link link = {.ca = "sign",
                        .kind = draft->link == LINK_PHONE ? "phone" : "card",
                        .serial = draft->serial,
                        .person = &draft->signer,
                        .from = order->issued,
                        .to = draft->serial % 2 ? end : 0};
    if (draft->link == LINK_RENEWED)
        renewed_write(links, draft, link);
    else if (order->ca != JPKI_AUTH)
        link_write(links, &link);
    if (draft->link == LINK_TWICE) {
        link.person = &draft->household.children[0];
        link_write(links, &link);
    }
    if (draft->link == LINK_CARD && draft->serial % 5 == 0) {
        link.serial += SERIAL_PHONE;
        link.kind = "phone";
        link_write(links, &link);
    }
}

/* The signer's certificate; the same number from the login CA, which is somebody else's; for some
 * a certificate on the telephone. */
static void links_write(FILE *links, const struct draft *draft)
{
    if (draft->link != LINK_NONE)
        sign_links_write(links, draft);
    if (draft->household.has_spouse)
        link_write(links, &(struct link){.ca = "auth",
                                         .kind = "card",
                                         .serial = draft->serial,
                                         .person = &draft->household.spouse,
                                         .from = draft->order.issued});
}

void town_registry_write(const struct town_registry *registry, const struct draft *draft)
{
    household_write(registry, draft);
    links_write(registry->links, draft);
}
