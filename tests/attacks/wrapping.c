/* Signature wrapping: the signed content is kept so that a lax verifier finds it, and another is
 * put where a lax reader looks (McIntosh and Austel 2005; Somorovsky et al. 2012). */
#include <string.h>

#include "base/cleanup.h"
#include "tests/attacks/attacks.h"
#include "tests/support/dsig.h"

#define NS     " xmlns=\"urn:uketsuke:form:attack:1\""
#define SIGNED "<claimant><name>桜野　花子</name></claimant>"
#define EVIL   "<claimant><name>悪野　太郎</name></claimant>"
#define WHOLE  "<application" NS ">" SIGNED "</application>"
#define BY_ID                                                                                      \
    "<application" NS "><claimant Id=\"form\"><name>桜野　花子</name></claimant></application>"
#define ID_PART "<claimant" NS " Id=\"form\"><name>桜野　花子</name></claimant>"

#define ENVELOPED                                                                                  \
    "<ds:Transforms>" DSIG_TRANSFORM(DSIG_ENVELOPED)                                               \
        DSIG_TRANSFORM(DSIG_EXCLUSIVE) "</ds:Transforms>"
#define CHECK "signature check --json --container xmldsig --signature {}/form.xml"

/* `signature` as text, taken out of a document that holds it. */
static char *signature_of(const struct buffer *document)
{
    struct buffer copy = {0};
    buffer_append(&copy, document->data, document->length);
    const char *text = buffer_text(&copy);
    const char *begin = strstr(text, "<ds:Signature "), *end = strstr(text, "</ds:Signature>");
    char *signature = text_copy_n(begin, (size_t)(end - begin) + strlen("</ds:Signature>"));
    buffer_free(&copy);
    return signature;
}

static char *signed_make(const struct dsig *dsig, const char *document)
{
    _cleanup_(cleanup_buffer) struct buffer whole = {0};
    dsig_enveloped(dsig, document, &whole);
    return signature_of(&whole);
}

/* Of `%s` the first is the signature, whole; where an Object is to hold the original, the signature
 * comes in two parts. */
static const struct placement {
    const char *name, *reason, *before, *behind, *what;
} placements[] = {
    {"wrap-child", "signature-missing", "<application" NS ">" EVIL "<application" NS ">" SIGNED,
     "</application></application>", "the signed form, its signature in it, as a child"},
    {"wrap-sibling", "signature-digest", "<application" NS ">" EVIL SIGNED, "</application>",
     "the other content beside the signed one"},
    {"wrap-sibling-behind", "signature-missing", "<application" NS ">" SIGNED,
     EVIL "</application>", "the other content behind the signature"},
    {"wrap-relocated-first", "signature-missing", "<application" NS ">", SIGNED "</application>",
     "the signature at the head of the form"},
    {"wrap-relocated-deep", "signature-missing", "<application" NS "><claimant>",
     "<name>桜野　花子</name></claimant></application>", "the signature within the content"},
    {"wrap-evil-root", "signature-digest", "<evil>" WHOLE, "</evil>",
     "another root around the signed form and its signature"},
    {"wrap-root-renamed", "signature-digest", "<x:application xmlns:x=\"urn:evil\"" NS ">" SIGNED,
     "</x:application>", "the root in another namespace"},
    {"wrap-attribute", "signature-digest", "<application" NS " xml:lang=\"en\">" SIGNED,
     "</application>", "an attribute that all below inherit"},
    {"wrap-instruction", "xml-instruction", "<application" NS "><?evil?>" SIGNED, "</application>",
     "a processing instruction"},
    {"wrap-prefix", "", "<application" NS " xmlns:evil=\"urn:evil\">" SIGNED, "</application>",
     "nothing: a namespace that no name uses is not signed, and is not read"},
    {"wrap-comment", "",
     "<application" NS "><claimant><name>桜野　<!-- 太郎 -->花子</name></claimant>",
     "</application>", "nothing: a comment within a text is not signed, and is not read"},
};

static void placements_make(struct corpus *corpus, const char *signature)
{
    for (size_t i = 0; i < sizeof placements / sizeof *placements; i++) {
        const struct placement *p = &placements[i];
        _cleanup_(cleanup_text) char *form = text_format("%s%s%s", p->before, signature, p->behind);
        attack_file(corpus, p->name, "form.xml", bytes_of_text(form));
        attack_add(corpus,
                   &(struct attack){p->name, *p->reason ? 1 : 0, p->reason, CHECK, p->what});
    }
}

/* The original moves into the signature itself. */
static void into_object(struct corpus *corpus, const char *signature)
{
    _cleanup_(cleanup_text) char *head =
        text_copy_n(signature, strlen(signature) - strlen("</ds:Signature>"));
    _cleanup_(cleanup_text) char *inside =
        text_format("<application" NS ">" EVIL "%s<ds:Object>" WHOLE
                    "</ds:Object></ds:Signature></application>",
                    head);
    _cleanup_(cleanup_text) char *around =
        text_format("%s<ds:Object>" WHOLE "</ds:Object></ds:Signature>", head);
    attack_file(corpus, "wrap-object", "form.xml", bytes_of_text(inside));
    attack_add(corpus, &(struct attack){"wrap-object", 1, "signature-malformed", CHECK,
                                        "the signed form within the signature's Object"});
    attack_file(corpus, "wrap-ancestor", "form.xml", bytes_of_text(around));
    attack_add(corpus, &(struct attack){"wrap-ancestor", 1, "signature-malformed", CHECK,
                                        "the signature around the signed form (enveloping)"});
}

/* Signed by Id, as common verifiers allow: here an Id is no name of anything. */
static const struct placement by_id[] = {
    {"wrap-id-honest", "", "<application" NS ">" ID_PART, "</application>",
     "a reference by Id, nothing moved"},
    {"wrap-id-twice", "", "<application" NS "><claimant Id=\"form\">evil</claimant>" ID_PART,
     "</application>", "the same Id twice"},
    {"wrap-id-sibling", "", "<application" NS ">" EVIL ID_PART, "</application>",
     "the signed part beside the other"},
    {"wrap-id-child", "",
     "<application" NS "><claimant><name>悪野　太郎</name>" ID_PART "</claimant>", "</application>",
     "the signed part within the other"},
    {"wrap-id-relocated", "",
     "<application" NS "><claimant Id=\"new\"><name>悪野　太郎</name></claimant><moved>" ID_PART
     "</moved>",
     "</application>", "the signed part moved, the other with a new Id"},
};

static void by_id_make(struct corpus *corpus, const char *signature)
{
    for (size_t i = 0; i < sizeof by_id / sizeof *by_id; i++) {
        const struct placement *p = &by_id[i];
        _cleanup_(cleanup_text) char *form = text_format("%s%s%s", p->before, signature, p->behind);
        attack_file(corpus, p->name, "form.xml", bytes_of_text(form));
        attack_add(corpus, &(struct attack){p->name, 1, "signature-reference", CHECK, p->what});
    }
}

void make_wrapping_attacks(struct corpus *corpus)
{
    EVP_PKEY *key = pki_key(PKI_RSA_2048, 2);
    _cleanup_(cleanup_x509) X509 *certificate = pki_issue(&corpus->ca, key, &(struct pki_end){0});
    _cleanup_(cleanup_buffer) struct buffer canonical = {0};
    struct dsig whole = {.key = key, .certificate = certificate};
    struct dsig part = whole;
    whole.references[0] = (struct dsig_reference){.uri = "", .transforms = ENVELOPED};
    dsig_canonical(bytes_of_text(ID_PART), DSIG_EXCLUSIVE, &canonical);
    part.references[0] = (struct dsig_reference){
        .uri = "#form",
        .transforms = "<ds:Transforms>" DSIG_TRANSFORM(DSIG_EXCLUSIVE) "</ds:Transforms>",
        .data = buffer_bytes(&canonical)};
    _cleanup_(cleanup_text) char *signature = signed_make(&whole, WHOLE);
    _cleanup_(cleanup_text) char *id_signature = signed_make(&part, BY_ID);
    placements_make(corpus, signature);
    into_object(corpus, signature);
    by_id_make(corpus, id_signature);
}
