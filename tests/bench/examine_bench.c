/* examine() against the sum of what cannot be left out, on the same packages in one run: inflate,
 * SHA-256 of every member, two RSA verifications (signature and certificate), libxml2's parse of
 * the three XML documents, C14N of the form and of the signature. Seconds are those of the
 * processor, rounds alternate, the best round counts (the machine may be busy with others). The sum
 * is a lower bound: the hashes of the package and of what was signed, the signer's own key and the
 * form's schema cannot be left out either, and are not in it.
 *
 *   examine_bench ANCHORS.pem PINS CRL-FOLDER PROCEDURES PACKAGE…
 * With EXAMINE_BENCH_ROUNDS=0 it only examines each package ten times, and does its parts ten
 * times: for a profiler, which has to find them, so they are never inlined. */
#include <glob.h>
#include <libxml/c14n.h>
#include <libxml/parser.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "base/xml.h"
#include "intake/examine.h"
#include "intake/revocation.h"
#include "signature/certificate.h"

#define PASSES    40 /* over all packages, in one round */
#define PINS_MOST 8
#define PART      __attribute__((noinline)) static

struct member {
    const uint8_t *deflated;
    size_t deflated_length, length;
    bool stored, xml, canonical;
    uint8_t *inflated;
};

struct sample {
    struct buffer zip;
    struct member members[16];
    size_t count;
};

struct bench {
    struct examiner examiner;
    struct sample *samples;
    size_t count;
    EVP_PKEY *key; /* of the CA: RSA-2048 as every certificate's */
    X509 *anchor;
    uint8_t *signature;
    size_t signature_length;
};

enum part { PART_INFLATE, PART_SHA256, PART_RSA, PART_PARSE, PART_C14N, PARTS };
static const char *const part_names[PARTS] = {"inflate", "SHA-256 of all members",
                                              "RSA-2048 verify, twice", "libxml2 parse",
                                              "C14N of form and signature"};

static double processor_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void die(const char *what, const struct failure *f)
{
    fprintf(stderr, "examine_bench: %s: %s\n", what, f ? f->text : "");
    exit(3);
}

static unsigned get16(const uint8_t *p)
{
    return p[0] | (unsigned)p[1] << 8;
}

static size_t get32(const uint8_t *p)
{
    return get16(p) | (size_t)get16(p + 2) << 16;
}

static bool ends_with(const char *name, size_t length, const char *end)
{
    size_t n = strlen(end);
    return length >= n && memcmp(name + length - n, end, n) == 0;
}

static void sample_open(struct sample *sample, const char *path)
{
    struct failure f = {0};
    if (!revocation_file_read(path, 1 << 24, &sample->zip, &f))
        die("cannot read a package", &f);
    const uint8_t *end = sample->zip.data + sample->zip.length - 22;
    const uint8_t *central = sample->zip.data + get32(end + 16);
    for (sample->count = 0; sample->count < get16(end + 10) && sample->count < 16;) {
        struct member *m = &sample->members[sample->count++];
        const char *name = (const char *)central + 46;
        size_t length = get16(central + 28);
        const uint8_t *local = sample->zip.data + get32(central + 42);
        m->deflated = local + 30 + get16(local + 26) + get16(local + 28);
        m->deflated_length = get32(central + 20);
        m->length = get32(central + 24);
        m->stored = get16(central + 10) == 0;
        m->xml = ends_with(name, length, ".xml");
        m->canonical = m->xml && !ends_with(name, length, "manifest.xml");
        m->inflated = memory_allocate(m->length + 1);
        central += 46 + length + get16(central + 30) + get16(central + 32);
    }
}

/* ---- the parts ---- */

PART void part_inflate(struct member *m)
{
    z_stream z = {0};
    if (m->stored) {
        memcpy(m->inflated, m->deflated, m->length);
        return;
    }
    inflateInit2(&z, -MAX_WBITS);
    z.next_in = (uint8_t *)m->deflated;
    z.avail_in = (uInt)m->deflated_length;
    z.next_out = m->inflated;
    z.avail_out = (uInt)m->length;
    if (inflate(&z, Z_FINISH) != Z_STREAM_END)
        die("a member does not inflate", NULL);
    inflateEnd(&z);
}

PART void part_sha256(struct member *m)
{
    uint8_t hash[32];
    EVP_Digest(m->inflated, m->length, hash, NULL, EVP_sha256(), NULL);
}

PART void part_rsa(const struct bench *bench, const uint8_t *hash)
{
    _cleanup_(cleanup_pkey_ctx) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(bench->key, NULL);
    EVP_PKEY_verify_init(context);
    EVP_PKEY_CTX_set_signature_md(context, EVP_sha256());
    if (EVP_PKEY_verify(context, bench->signature, bench->signature_length, hash, 32) != 1)
        die("the anchor's own signature does not verify", NULL);
}

PART xmlDoc *part_parse(struct member *m)
{
    return xmlReadMemory((char *)m->inflated, (int)m->length, NULL, NULL, XML_PARSE_NONET);
}

PART void part_c14n(xmlDoc *document)
{
    xmlChar *text = NULL;
    xmlC14NDocDumpMemory(document, NULL, XML_C14N_EXCLUSIVE_1_0, NULL, 0, &text);
    xmlFree(text);
}

/* One pass over a sample; the seconds of each part are added. */
static void parts_run(const struct bench *bench, struct sample *sample, const uint8_t *hash,
                      double seconds[PARTS])
{
    xmlDoc *documents[16] = {0};
    double t[PARTS + 1];
    t[0] = processor_seconds();
    for (size_t i = 0; i < sample->count; i++)
        part_inflate(&sample->members[i]);
    t[1] = processor_seconds();
    for (size_t i = 0; i < sample->count; i++)
        part_sha256(&sample->members[i]);
    t[2] = processor_seconds();
    part_rsa(bench, hash);
    part_rsa(bench, hash);
    t[3] = processor_seconds();
    for (size_t i = 0; i < sample->count; i++)
        documents[i] = sample->members[i].xml ? part_parse(&sample->members[i]) : NULL;
    t[4] = processor_seconds();
    for (size_t i = 0; i < sample->count; i++)
        if (documents[i] && sample->members[i].canonical)
            part_c14n(documents[i]);
    t[5] = processor_seconds();
    for (size_t i = 0; i < sample->count; i++)
        xmlFreeDoc(documents[i]);
    for (int p = 0; p < PARTS; p++)
        seconds[p] += t[p + 1] - t[p];
}

/* What the anchor's signature of itself is over. */
static void anchor_hash(X509 *anchor, uint8_t ret_hash[32])
{
    uint8_t *der = NULL;
    int length = i2d_re_X509_tbs(anchor, &der);
    sha256(bytes_of(der, (size_t)length), ret_hash);
    OPENSSL_free(der);
}

/* `ret_parts`: seconds in all */
static void parts_run_times(const struct bench *bench, int times, double ret_parts[PARTS])
{
    uint8_t hash[32];
    anchor_hash(bench->anchor, hash);
    memset(ret_parts, 0, PARTS * sizeof *ret_parts);
    for (int pass = 0; pass < times; pass++)
        for (size_t i = 0; i < bench->count; i++)
            parts_run(bench, &bench->samples[i], hash, ret_parts);
}

static void examine_one(const struct bench *bench, const struct sample *sample)
{
    const struct examination_input input = {
        .package = buffer_bytes(&sample->zip),
        .now = clock_now(),
        .limits = &bench->examiner.limits,
        .trust = bench->examiner.trust,
        .crls = bench->examiner.crls,
        .revocation.crl_age_most = 3 * INSTANT_DAY,
        .procedures = bench->examiner.procedures,
    };
    struct examination examination;
    examine(&input, &examination);
    if (examination.verdict != VERDICT_ACCEPTED) {
        fprintf(stderr, "examine_bench: %s: %s\n", verdict_name(examination.verdict),
                examination.reason);
        exit(3);
    }
    examination_free(&examination);
}

static void examine_times(const struct bench *bench, int times)
{
    for (int pass = 0; pass < times; pass++)
        for (size_t i = 0; i < bench->count; i++)
            examine_one(bench, &bench->samples[i]);
}

/* ---- getting ready ---- */

static void trust_open(struct bench *bench, const char *anchors, char *pins)
{
    const char *list[PINS_MOST];
    size_t count = 0;
    for (char *pin; (pin = strsep(&pins, " \n")) && count < PINS_MOST;)
        if (*pin)
            list[count++] = pin;
    static const char *const policies[] = {"1.2.392.200149.8.5.1.0.20"};
    struct failure f = {0};
    const struct trust_options options = {TRUST_SANDBOX, &anchors, 1,        list,
                                          count,         false,    policies, 1};
    if (!trust_load(&options, &bench->examiner.trust, &f))
        die("trust", &f);
    _cleanup_(cleanup_file) FILE *file = fopen(anchors, "re");
    bench->anchor = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
    if (!bench->anchor)
        die("no anchor", NULL);
    const ASN1_BIT_STRING *signature;
    X509_get0_signature(&signature, NULL, bench->anchor);
    bench->signature = signature->data;
    bench->signature_length = (size_t)signature->length;
    bench->key = X509_get0_pubkey(bench->anchor);
}

static void lists_load(struct bench *bench, const char *folder)
{
    struct failure f = {0};
    _cleanup_(cleanup_text) char *pattern = text_format("%s/*.crl", folder);
    glob_t found = {0};
    if (glob(pattern, 0, NULL, &found) != 0)
        die("no revocation lists", &f);
    for (size_t i = 0; i < found.gl_pathc; i++)
        if (!crl_set_add_file(bench->examiner.crls, found.gl_pathv[i], bench->examiner.trust, &f))
            die("revocation lists", &f);
    globfree(&found);
}

static void bench_open(struct bench *bench, int argc, char **argv)
{
    struct failure f = {0};
    bench->examiner.limits = package_limits_default();
    trust_open(bench, argv[1], argv[2]);
    bench->examiner.crls = crl_set_new();
    lists_load(bench, argv[3]);
    if (!procedures_load(argv[4], &bench->examiner.procedures, &f))
        die("procedures", &f);
    bench->count = (size_t)argc - 5;
    bench->samples = memory_allocate(bench->count * sizeof *bench->samples);
    for (size_t i = 0; i < bench->count; i++)
        sample_open(&bench->samples[i], argv[i + 5]);
}

/* Seconds for one package, of the best of `rounds` rounds. */
static void measure(const struct bench *bench, int rounds, double *ret_examine,
                    double ret_parts[PARTS])
{
    double best_examine = 1e9, best_sum = 1e9;
    for (int round = 0; round < rounds; round++) {
        double parts[PARTS], sum = 0, begun = processor_seconds();
        examine_times(bench, PASSES);
        double took = processor_seconds() - begun;
        parts_run_times(bench, PASSES, parts);
        for (int p = 0; p < PARTS; p++)
            sum += parts[p];
        best_examine = took < best_examine ? took : best_examine;
        if (sum < best_sum) {
            best_sum = sum;
            memcpy(ret_parts, parts, sizeof parts);
        }
    }
    double all = (double)PASSES * (double)bench->count;
    *ret_examine = best_examine / all;
    for (int p = 0; p < PARTS; p++)
        ret_parts[p] /= all;
}

static void print_results(const struct bench *bench, double examined, const double parts[PARTS])
{
    double sum = 0;
    size_t bytes = 0;
    for (size_t i = 0; i < bench->count; i++)
        bytes += bench->samples[i].zip.length;
    for (int p = 0; p < PARTS; p++) {
        printf("%s\t%.1f\n", part_names[p], parts[p] * 1e6);
        sum += parts[p];
    }
    printf("sum of the parts\t%.1f\n", sum * 1e6);
    printf("examine()\t%.1f\n", examined * 1e6);
    printf("ratio\t%.2f\n", examined / sum);
    printf("per second and core\t%.0f\n", 1 / examined);
    printf("bytes of a package\t%zu\n", bytes / bench->count);
    printf("packages\t%zu\n", bench->count);
}

int main(int argc, char **argv)
{
    const char *rounds = getenv("EXAMINE_BENCH_ROUNDS");
    struct bench bench = {0};
    if (argc < 6) {
        fputs("examine_bench: see tests/bench/run examine\n", stderr);
        return 64;
    }
    log_open("bench", LOG_LEVEL_WARNING, false);
    clock_initialize();
    xml_initialize();
    bench_open(&bench, argc, argv);
    if (rounds && atol(rounds) == 0) {
        double parts[PARTS];
        examine_times(&bench, 10);
        parts_run_times(&bench, 10, parts);
        return 0;
    }
    double examined, parts[PARTS];
    measure(&bench, rounds ? (int)atol(rounds) : 10, &examined, parts);
    print_results(&bench, examined, parts);
    return 0;
}
