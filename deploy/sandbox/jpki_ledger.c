/* The ledger of the sandbox's JPKI: one line an event, appended only.
 *   issue,CA,GENERATION,PARTITION,SERIAL
 *   revoke,CA,SERIAL,TIME (seconds since 1970),REASON (number) */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "deploy/sandbox/jpki.h"

/* Where each CA's counter begins: behind the position of its own certificate. */
static uint64_t serial_first(enum jpki_ca ca, unsigned generation)
{
    if (ca == JPKI_AUTH)
        return 0x07000000;
    return generation == JPKI_GENERATION_LAST ? 0x07000000 : 0x04000000;
}

/* Above this begin the serial numbers of the next generation. */
static uint64_t serial_end(enum jpki_ca ca, unsigned generation)
{
    return ca == JPKI_SIGN && generation < JPKI_GENERATION_LAST ? 0x067C6A21 : 0x7FFFFFFF;
}

uint64_t jpki_serial_next(const struct jpki *jpki, enum jpki_ca ca, unsigned generation)
{
    uint64_t next = serial_first(ca, generation);
    for (size_t i = jpki->entry_count; i-- > 0;)
        if (jpki->entries[i].ca == ca && jpki->entries[i].generation == generation) {
            next = jpki->entries[i].serial + 1; /* ascending, so the last one is the highest */
            break;
        }
    return next < serial_end(ca, generation) ? next : 0;
}

static void entry_keep(struct jpki *jpki, const struct jpki_entry *entry)
{
    if (jpki->entry_count == jpki->entry_room) {
        jpki->entry_room = jpki->entry_room ? 2 * jpki->entry_room : 256;
        jpki->entries = memory_resize(jpki->entries, jpki->entry_room * sizeof *jpki->entries);
    }
    jpki->entries[jpki->entry_count++] = *entry;
}

void jpki_ledger_add(struct jpki *jpki, const struct jpki_entry *entry)
{
    entry_keep(jpki, entry);
    buffer_format(&jpki->pending, "issue,%d,%u,%s,%" PRIx64 "\n", entry->ca, entry->generation,
                  entry->partition->key, entry->serial);
}

static struct jpki_entry *entry_find(const struct jpki *jpki, enum jpki_ca ca, uint64_t serial)
{
    /* From the end: what is looked for was mostly just issued. */
    for (size_t i = jpki->entry_count; i-- > 0;)
        if (jpki->entries[i].serial == serial && jpki->entries[i].ca == ca)
            return &jpki->entries[i];
    return NULL;
}

const struct jpki_entry *jpki_entry_find(const struct jpki *jpki, enum jpki_ca ca, uint64_t serial)
{
    return entry_find(jpki, ca, serial);
}

bool jpki_revoke(struct jpki *jpki, enum jpki_ca ca, uint64_t serial, instant at, int reason,
                 struct failure *f)
{
    struct jpki_entry *entry = entry_find(jpki, ca, serial);
    if (!entry)
        return failure_set(f, FAILURE_USAGE, "no certificate with this serial number was issued");
    entry->revoked_at = at / INSTANT_SECOND * INSTANT_SECOND;
    entry->reason = reason;
    buffer_format(&jpki->pending, "revoke,%d,%" PRIx64 ",%" PRId64 ",%d\n", ca, serial,
                  at / INSTANT_SECOND, reason);
    return true;
}

static bool ledger_line(struct jpki *jpki, const char *line)
{
    char partition[32];
    int ca, reason;
    unsigned generation;
    uint64_t serial;
    int64_t at;
    if (sscanf(line, "issue,%d,%u,%31[a-z],%" SCNx64, &ca, &generation, partition, &serial) == 4) {
        struct jpki_entry entry = {.serial = serial,
                                   .ca = (enum jpki_ca)ca,
                                   .generation = generation,
                                   .partition = jpki_partition_find(partition)};
        if (entry.partition)
            entry_keep(jpki, &entry);
        return entry.partition != NULL;
    }
    if (sscanf(line, "revoke,%d,%" SCNx64 ",%" SCNd64 ",%d", &ca, &serial, &at, &reason) != 4)
        return false;
    struct jpki_entry *entry = entry_find(jpki, (enum jpki_ca)ca, serial);
    if (entry) {
        entry->revoked_at = at * INSTANT_SECOND;
        entry->reason = reason;
    }
    return entry != NULL;
}

bool jpki_ledger_read(struct jpki *jpki, struct failure *f)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/ledger.csv", jpki->folder);
    _cleanup_(cleanup_file) FILE *in = fopen(path, "re");
    char line[160];
    if (!in)
        return failure_errno(f, "%s cannot be read", path);
    jpki->entry_count = 0;
    for (int number = 1; fgets(line, sizeof line, in); number++) {
        if (!strchr(line, '\n'))
            break; /* being written this moment: read with the next look */
        if (!ledger_line(jpki, line))
            return failure_set(f, FAILURE_INPUT, "%s, line %d: not a line of a ledger", path,
                               number);
    }
    return true;
}

bool jpki_ledger_save(struct jpki *jpki, struct failure *f)
{
    for (size_t done = 0; done < jpki->pending.length;) {
        ssize_t n = write(jpki->lock, jpki->pending.data + done, jpki->pending.length - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failure_errno(f, "the ledger of %s cannot be written", jpki->folder);
        done += (size_t)n;
    }
    buffer_clear(&jpki->pending);
    return true;
}
