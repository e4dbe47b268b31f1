#include "tests/support/signed.h"

#include <stdio.h>

const char SIGNED_DOCUMENT[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<!-- before -->\n"
    "<application xmlns=\"urn:uketsuke:form:test:1\" xmlns:x=\"urn:x\" xmlns:unused=\"urn:u\"\n"
    "    version='1' xml:lang=\"ja\">\n"
    "  <x:claimant z=\"1\" x:a=\"2\" b='a \"quoted\" &#9;&lt;'>\n"
    "    <name>桜野　花子<!-- within --></name><note><![CDATA[1 < 2 & ]]>3 &amp; &#x34;</note>\n"
    "    <empty/><plain xmlns=\"\">text&#13;</plain>\n"
    "  </x:claimant>\n</application>\n<!-- behind -->";

static const char ATTACHMENT[] = "%PDF-1.7\n\x00\xff\x80 not XML at all \r\n"
                                 "xref\nstartxref\n30\n%%EOF\n";

#define NAME_APPLICATION "application.xml"
#define NAME_ATTACHMENT  "attachments/1.pdf"

static const char *transforms_of(const struct signing *how, bool enveloped)
{
    if (enveloped)
        return how->inclusive ? "<ds:Transforms>" DSIG_TRANSFORM(DSIG_ENVELOPED)
                                    DSIG_TRANSFORM(DSIG_INCLUSIVE) "</ds:Transforms>"
                              : "<ds:Transforms>" DSIG_TRANSFORM(DSIG_ENVELOPED)
                                    DSIG_TRANSFORM(DSIG_EXCLUSIVE) "</ds:Transforms>";
    return how->inclusive ? "<ds:Transforms>" DSIG_TRANSFORM(DSIG_INCLUSIVE) "</ds:Transforms>"
                          : "<ds:Transforms>" DSIG_TRANSFORM(DSIG_EXCLUSIVE) "</ds:Transforms>";
}

static void sign_detached(const struct signing *how, struct dsig *dsig, const char *document,
                          struct signed_members *members)
{
    struct buffer canonical = {0};
    struct dsig_reference *reference = &dsig->references[how->leave_attachment ? 0 : 1];
    buffer_append_text(&members->members[0], document);
    reference->uri = NAME_APPLICATION;
    reference->digest = how->digest;
    reference->data = buffer_bytes(&members->members[0]);
    if (how->container == DETACHED_TREE) {
        dsig_canonical(reference->data, dsig->c14n, &canonical);
        reference->data = buffer_bytes(&canonical);
        reference->transforms = transforms_of(how, false);
    }
    dsig_detached(dsig, &members->files[0]);
    members->file_count = 1;
    buffer_free(&canonical);
}

static void sign_enveloped(const struct signing *how, struct dsig *dsig, const char *document,
                           struct signed_members *members)
{
    struct dsig_reference *reference = &dsig->references[how->leave_attachment ? 0 : 1];
    reference->uri = "";
    reference->digest = how->digest;
    reference->transforms = transforms_of(how, true);
    dsig_enveloped(dsig, document, &members->members[0]);
}

/* The end tag has to be the last thing with '<' for dsig_enveloped. */
static const char ENVELOPED_DOCUMENT[] =
    "<?xml version='1.0'?>\n<application xmlns=\"urn:uketsuke:form:test:1\" xmlns:x=\"urn:x\"\n"
    "    version='1' xml:lang=\"ja\" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">\n"
    "  <x:claimant z=\"1\" x:a=\"2\"><name>桜野　花子<!-- within --></name></x:claimant>\n"
    "  <note><![CDATA[1 < 2 & ]]>3 &amp; &#x34;</note>\n</application>\n";

void sign_members(const struct signing *how, struct signed_members *ret_members)
{
    struct dsig dsig = {.key = how->key,
                        .certificate = how->certificate,
                        .method = how->method,
                        .prefix = how->prefix,
                        .c14n = how->inclusive ? DSIG_INCLUSIVE : DSIG_EXCLUSIVE};
    *ret_members = (struct signed_members){.member_count = 2};
    buffer_append(&ret_members->members[1], ATTACHMENT, sizeof ATTACHMENT - 1);
    if (!how->leave_attachment)
        dsig.references[0] =
            (struct dsig_reference){.uri = NAME_ATTACHMENT,
                                    .digest = how->digest,
                                    .data = bytes_of(ATTACHMENT, sizeof ATTACHMENT - 1)};
    if (how->container == ENVELOPED)
        sign_enveloped(how, &dsig, how->document ? how->document : ENVELOPED_DOCUMENT, ret_members);
    else
        sign_detached(how, &dsig, how->document ? how->document : SIGNED_DOCUMENT, ret_members);
}

void signed_members_free(struct signed_members *members)
{
    for (size_t i = 0; i < SIGNED_MEMBERS_MAX; i++)
        buffer_free(&members->members[i]);
    for (size_t i = 0; i < SIGNED_FILES_MAX; i++)
        buffer_free(&members->files[i]);
}

void signed_input_of(const struct signed_members *members, struct signed_input *ret_input)
{
    static const char *const names[] = {NAME_APPLICATION, NAME_ATTACHMENT, "attachments/2.png"};
    *ret_input = (struct signed_input){.limits = XML_LIMITS_DEFAULT};
    for (size_t i = 0; i < members->member_count; i++)
        ret_input->signables[i] = (struct signable){names[i], buffer_bytes(&members->members[i])};
    for (size_t i = 0; i < members->file_count; i++)
        ret_input->files[i] =
            (struct signable){"signature/1.xml", buffer_bytes(&members->files[i])};
    ret_input->input = (struct signature_input){
        .signables = ret_input->signables,
        .signable_count = members->member_count,
        .signatures = ret_input->files,
        .signature_count = members->file_count,
        .enveloped = NAME_APPLICATION,
        .xml_limits = &ret_input->limits,
    };
}
