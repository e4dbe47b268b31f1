#include "intake/revocation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/http_client.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/text.h"
#include "intake/examine.h"

#define MINUTE (60 * INSTANT_SECOND)

static const struct config_key revocation_keys[] = {
    {"directory", CONFIG_PATH, "/var/lib/uketsuke/crl", .help = "Folder of the revocation lists."},
    {"sources", CONFIG_LIST, "",
     .help = "Where the lists come from: http(s) URLs or paths, one for each partition and "
             "generation that is of use."},
    {"interval", CONFIG_DURATION, "1h", INSTANT_SECOND, INSTANT_DAY,
     .help = "Between two looks at the sources."},
    {"retry", CONFIG_DURATION, "5min", INSTANT_SECOND / 10, INSTANT_DAY,
     .help = "Until the next look when a source failed."},
    {"patience", CONFIG_DURATION, "2min", INSTANT_SECOND, 60 * MINUTE,
     .help = "How long one source may take."},
    {"ca", CONFIG_PATH, "", .help = "PEM file: the CA of sources with https."},
    {"size-most", CONFIG_SIZE, "256M", 1 << 10, 1 << 30, .help = "Largest list."},
    {"age-most", CONFIG_DURATION, "3d", MINUTE, 365 * INSTANT_DAY,
     .help = "A list past its nextUpdate is still used while its thisUpdate is not older than "
             "this; beyond it, applications are held."},
    {"method", CONFIG_CHOICE, "ocsp-then-crl", .choices = "ocsp-then-crl crl-only ocsp-only",
     .help = "What tells whether a certificate is revoked. ocsp-then-crl: the responder, and the "
             "lists where it gives no answer that can be used; without ocsp-url the same as "
             "crl-only."},
    {"ocsp-url", CONFIG_LIST, "",
     .help = "OCSP responders, http or https, at most 4: the next one is asked for what the one "
             "before did not answer. What certificates name is never asked."},
    {"ocsp-hash", CONFIG_CHOICE, "sha256", .choices = "sha256 sha1",
     .help = "How requests name the issuer; sha1 for responders that know nothing else."},
    {"ocsp-nonce", CONFIG_CHOICE, "when-given", .choices = "required when-given none",
     .help = "Requests carry a nonce (but for none), and a response with another one is never "
             "used. required: nor is one without."},
    {"ocsp-nocheck", CONFIG_BOOLEAN, "yes",
     .help = "A responder's certificate must have id-pkix-ocsp-nocheck; no: one without is "
             "believed as well. Its own revocation is not looked up in either case."},
    {"ocsp-age-most", CONFIG_DURATION, "1d", MINUTE, 365 * INSTANT_DAY,
     .help = "An older response (by its thisUpdate) is not used, whatever its nextUpdate says."},
    {"ocsp-timeout", CONFIG_DURATION, "5s", INSTANT_SECOND / 10, MINUTE,
     .help = "How long the applications of one batch wait for one responder, all together."},
    {"ocsp-parallel", CONFIG_NUMBER, "8", 1, 64, .help = "Requests under way at one time."},
    {"ocsp-failures-most", CONFIG_NUMBER, "5", 1, 1000,
     .help = "After so many failures in a row a responder is left alone …"},
    {"ocsp-rest", CONFIG_DURATION, "1min", INSTANT_SECOND / 10, INSTANT_DAY,
     .help = "… for so long; then one request tries whether it is back."},
};
const struct config_section revocation_config_section = {
    "revocation",
    .help = "Revocation of signing certificates, by list (CRL提供方式) and by query "
            "(OCSPレスポンダ方式).",
    .keys = revocation_keys, .key_count = sizeof revocation_keys / sizeof *revocation_keys};

static struct metric fetches = {
    .kind = METRIC_COUNTER,
    .name = "uketsuke_revocation_fetches_total",
    .help = "Looks at sources of revocation lists, by what came of them",
    .label_name = "result",
};

const char *revocation_file_name(const char *source, char ret_name[REVOCATION_FILE_NAME])
{
    char hash[65];
    sha256_hex(bytes_of_text(source), hash);
    snprintf(ret_name, REVOCATION_FILE_NAME, "%.32s.crl", hash);
    return ret_name;
}

bool revocation_file_read(const char *path, size_t most, struct buffer *ret_content,
                          struct failure *f)
{
    _cleanup_(cleanup_file) FILE *file = fopen(path, "re");
    uint8_t block[65536];
    size_t length;
    if (!file)
        return failure_errno(f, "cannot open %s", path);
    while ((length = fread(block, 1, sizeof block, file)) > 0) {
        if (ret_content->length + length > most)
            return failure_set(f, FAILURE_LIMIT, "%s is longer than %zu bytes", path, most);
        buffer_append(ret_content, block, length);
    }
    return !ferror(file) || failure_errno(f, "cannot read %s", path);
}

static bool is_url(const char *source)
{
    return strncmp(source, "http://", 7) == 0 || strncmp(source, "https://", 8) == 0;
}

static bool url_fetch(const struct config_group *group, const char *url, struct http_answer *answer,
                      struct failure *f)
{
    size_t scheme = (size_t)(strstr(url, "://") + 3 - url);
    size_t host = scheme + strcspn(url + scheme, "/?#");
    const char *ca = config_text(group, "ca");
    _cleanup_(cleanup_text) char *base = text_copy_n(url, host);
    const struct http_client_options options = {
        .base_url = base,
        .ca_file = *ca ? ca : NULL,
        .patience = config_duration(group, "patience"),
    };
    const struct http_call call = {
        .method = "GET",
        .path = url[host] ? url + host : "/",
        .answer_most = (size_t)config_number(group, "size-most"),
    };
    struct http_client *client;
    if (!http_client_open(&options, &client, f))
        return false;
    bool called = http_client_call(client, &call, answer, f);
    http_client_close(client);
    if (called && answer->status != 200)
        return failure_set(f, FAILURE_PEER, "the source answers with HTTP status %u",
                           answer->status);
    return called;
}

static bool source_fetch(const struct config_group *group, const char *source,
                         struct buffer *ret_content, struct failure *f)
{
    if (!is_url(source))
        return revocation_file_read(source, (size_t)config_number(group, "size-most"), ret_content,
                                    f);
    struct http_answer answer = {0};
    bool fetched = url_fetch(group, source, &answer, f);
    if (fetched)
        buffer_append(ret_content, answer.body.data, answer.body.length);
    http_answer_free(&answer);
    return fetched;
}

bool revocation_check(struct bytes list, const struct trust *trust, struct crl_facts *ret_facts,
                      struct failure *f)
{
    struct crl_index *index;
    if (!crl_index_of_list(list, trust, &index, f))
        return false;
    *ret_facts = *crl_index_facts(index);
    crl_index_free(index);
    return true;
}

bool revocation_replaces(const struct crl_facts *present, const struct crl_facts *next,
                         struct failure *f)
{
    if (strcmp(present->partition, next->partition) != 0)
        return failure_set(f, FAILURE_PEER,
                           "the list is of another partition than before; if that is right, remove "
                           "the old file");
    if (crl_facts_compare(next, present) >= 0)
        return true;
    return failure_set(f, FAILURE_PEER,
                       "the list (number %s) is older than the one that is here (number %s); if "
                       "the source began to count anew, remove the old file",
                       next->number, present->number);
}

static bool bytes_write(int fd, struct bytes content)
{
    for (size_t done = 0; done < content.length;) {
        ssize_t written = write(fd, content.data + done, content.length - done);
        if (written < 0 && errno != EINTR)
            return false;
        done += written > 0 ? (size_t)written : 0;
    }
    return fsync(fd) == 0;
}

/* Readers see the old list or the new one, never a part; a power cut leaves one of them. The draft
 * has a name of its own: `revocation update` may run beside the role. */
static bool list_store(const char *folder, const char *name, struct bytes content,
                       struct failure *f)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/%s", folder, name);
    _cleanup_(cleanup_text) char *draft = text_format("%s/.%s.XXXXXX", folder, name);
    if (mkdir(folder, 0755) != 0 && errno != EEXIST)
        return failure_errno(f, "cannot make the folder %s", folder);
    _cleanup_(cleanup_fd) int fd = mkostemp(draft, O_CLOEXEC);
    if (fd < 0)
        return failure_errno(f, "cannot make a file in %s", folder);
    if (fchmod(fd, 0644) != 0 || !bytes_write(fd, content) || rename(draft, path) != 0) {
        failure_errno(f, "cannot write %s", path);
        unlink(draft);
        return false;
    }
    _cleanup_(cleanup_fd) int directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0 || fsync(directory) != 0)
        return failure_errno(f, "cannot flush the folder %s", folder);
    return true;
}

/* What is there already. A file that our anchors (no longer) signed does not count. */
static bool list_present(const char *folder, const char *name, const struct trust *trust,
                         struct buffer *ret_content, struct crl_facts *ret_facts)
{
    _cleanup_(cleanup_text) char *path = text_format("%s/%s", folder, name);
    return revocation_file_read(path, REVOCATION_FILE_MOST, ret_content, NULL) &&
           revocation_check(buffer_bytes(ret_content), trust, ret_facts, NULL);
}

enum revocation_change revocation_fetch(const struct config *config, const char *source,
                                        const struct trust *trust, struct failure *f)
{
    const struct config_group *group = config_group(config, revocation_config_section.name);
    const char *folder = config_text(group, "directory");
    char name[REVOCATION_FILE_NAME];
    _cleanup_(cleanup_buffer) struct buffer next = {0}, present = {0};
    struct crl_facts next_facts, present_facts;

    revocation_file_name(source, name);
    if (!source_fetch(group, source, &next, f))
        return REVOCATION_FAILED;
    bool there = list_present(folder, name, trust, &present, &present_facts);
    if (there && bytes_equal(buffer_bytes(&next), buffer_bytes(&present)))
        return REVOCATION_UNCHANGED;
    if (!revocation_check(buffer_bytes(&next), trust, &next_facts, f) ||
        (there && !revocation_replaces(&present_facts, &next_facts, f)) ||
        !list_store(folder, name, buffer_bytes(&next), f))
        return REVOCATION_FAILED;
    log_info("revocation.stored", log_text("partition", next_facts.partition),
             log_text("number", next_facts.number),
             log_number("entries", (int64_t)next_facts.entries));
    return REVOCATION_STORED;
}

size_t revocation_update(const struct config *config, const struct trust *trust, struct failure *f)
{
    static const char *const results[] = {"unchanged", "stored", "failed"};
    const struct config_group *group = config_group(config, revocation_config_section.name);
    size_t failed = 0;
    for (size_t i = 0; i < config_list_length(group, "sources"); i++) {
        const char *source = config_list_item(group, "sources", i);
        struct failure why = {0};
        enum revocation_change change = revocation_fetch(config, source, trust, &why);
        metric_add(&fetches, results[change], 1);
        if (change != REVOCATION_FAILED)
            continue;
        log_warning("revocation.source_failed", log_text("source", source),
                    log_text("kind", failure_kind_name(why.kind)), log_text("text", why.text));
        if (failed++ == 0) {
            failure_set(f, why.kind, "%s", why.text);
            failure_prefix(f, "%s", source);
        }
    }
    return failed;
}
