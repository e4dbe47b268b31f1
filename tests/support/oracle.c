#include "tests/support/oracle.h"

#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xmlsec/app.h>
#include <xmlsec/crypto.h>
#include <xmlsec/errors.h>
#include <xmlsec/io.h>
#include <xmlsec/keysmngr.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmlsec.h>
#include <xmlsec/xmltree.h>

#include "base/cleanup.h"

/* xmlsec1 asks for what a Reference names by callbacks without context. */
static const struct signature_input *current;

struct reading {
    struct bytes rest;
};

static const struct signable *member_named(const char *uri)
{
    for (size_t i = 0; current && i < current->signable_count; i++)
        if (strcmp(current->signables[i].name, uri) == 0)
            return &current->signables[i];
    return NULL;
}

static int member_match(const char *uri)
{
    return member_named(uri) != NULL;
}

static void *member_open(const char *uri)
{
    struct reading *reading = memory_allocate(sizeof *reading);
    reading->rest = member_named(uri)->bytes;
    return reading;
}

static int member_read(void *context, char *to, int room)
{
    struct reading *reading = context;
    size_t length = reading->rest.length < (size_t)room ? reading->rest.length : (size_t)room;
    memcpy(to, reading->rest.data, length);
    reading->rest.data += length;
    reading->rest.length -= length;
    return (int)length;
}

static int member_close(void *context)
{
    free(context);
    return 0;
}

static void hear_nothing(const char *file, int line, const char *function, const char *object,
                         const char *subject, int reason, const char *message)
{
    (void)file, (void)line, (void)function, (void)object, (void)subject, (void)reason,
        (void)message;
}

static xmlSecKeysMngr *manager; /* empty; xmlsec1 reads no certificate without one */

static void shut_down(void)
{
    xmlSecKeysMngrDestroy(manager);
    xmlSecCryptoShutdown();
    xmlSecCryptoAppShutdown();
    xmlSecShutdown();
}

static void start_up(void)
{
    static bool started;
    if (started)
        return;
    started = true;
    if (xmlSecInit() < 0 || xmlSecCryptoAppInit(NULL) < 0 || xmlSecCryptoInit() < 0)
        abort();
    manager = xmlSecKeysMngrCreate();
    if (!manager || xmlSecCryptoAppDefaultKeysMngrInit(manager) < 0)
        abort();
    xmlSecIOCleanupCallbacks(); /* no files, no network */
    xmlSecIORegisterCallbacks(member_match, member_open, member_read, member_close);
    xmlSecErrorsSetCallback(hear_nothing);
    atexit(shut_down);
}

static void keep_references(xmlSecDSigCtx *context, struct oracle *oracle)
{
    xmlSecPtrList *list = &context->signedInfoReferences;
    for (xmlSecSize i = 0; i < xmlSecPtrListGetSize(list); i++) {
        xmlSecDSigReferenceCtx *reference = xmlSecPtrListGetItem(list, i);
        xmlSecBuffer *digested = xmlSecDSigReferenceCtxGetPreDigestBuffer(reference);
        if (oracle->reference_count == ORACLE_REFERENCES_MAX || !digested)
            abort();
        struct oracle_reference *kept = &oracle->references[oracle->reference_count++];
        snprintf(kept->uri, sizeof kept->uri, "%s", reference->uri ? (char *)reference->uri : "");
        buffer_append(&kept->digested, xmlSecBufferGetData(digested),
                      xmlSecBufferGetSize(digested));
    }
}

static bool accepts_node(xmlNode *signature, struct oracle *oracle)
{
    xmlSecDSigCtx *context = xmlSecDSigCtxCreate(manager);
    if (!context)
        abort();
    context->flags = XMLSEC_DSIG_FLAGS_STORE_SIGNEDINFO_REFERENCES;
    context->keyInfoReadCtx.flags |= XMLSEC_KEYINFO_FLAGS_X509DATA_DONT_VERIFY_CERTS;
    bool accepted = xmlSecDSigCtxVerify(context, signature) == 0 &&
                    context->status == xmlSecDSigStatusSucceeded;
    if (accepted)
        keep_references(context, oracle);
    xmlSecDSigCtxDestroy(context);
    return accepted;
}

static bool accepts_document(struct bytes document, bool enveloped, struct oracle *oracle)
{
    _cleanup_(cleanup_xml_doc) xmlDoc *tree =
        xmlReadMemory((const char *)document.data, (int)document.length, NULL, NULL,
                      XML_PARSE_NONET | XML_PARSE_NOENT);
    xmlNode *root = tree ? xmlDocGetRootElement(tree) : NULL;
    if (!root)
        return false;
    if (!enveloped)
        return xmlSecCheckNodeName(root, xmlSecNodeSignature, xmlSecDSigNs) &&
               accepts_node(root, oracle);
    xmlNode *signature = xmlSecFindChild(root, xmlSecNodeSignature, xmlSecDSigNs);
    return !signature || accepts_node(signature, oracle);
}

bool oracle_accepts(const struct signature_input *input, struct oracle *ret_oracle)
{
    start_up();
    *ret_oracle = (struct oracle){0};
    current = input;
    bool accepted = true;
    for (size_t i = 0; i < input->signature_count && accepted; i++)
        accepted = accepts_document(input->signatures[i].bytes, false, ret_oracle);
    const struct signable *host = input->enveloped ? member_named(input->enveloped) : NULL;
    if (host && accepted)
        accepted = accepts_document(host->bytes, true, ret_oracle);
    current = NULL;
    return accepted;
}

void oracle_free(struct oracle *oracle)
{
    for (size_t i = 0; i < oracle->reference_count; i++)
        buffer_free(&oracle->references[i].digested);
    oracle->reference_count = 0;
}
