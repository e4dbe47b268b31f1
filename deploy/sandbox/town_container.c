#include "deploy/sandbox/town_container.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "deploy/sandbox/cms_sign.h"
#include "deploy/sandbox/x509_make.h"

bool draft_sign_cms(struct draft *draft, const char *member, bool attributes, struct failure *f)
{
    const struct cms_signer signer = {draft->signing_key, draft->certificate,
                                      draft->parcel.applied_at, NULL};
    _cleanup_(cleanup_text) char *name = text_format("signature/%s.p7s", member);
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    const struct parcel_member *found = parcel_find(&draft->parcel, member);
    if (!cms_sign(&signer, buffer_bytes(&found->bytes), attributes, &der, f))
        return false;
    parcel_add(&draft->parcel, name, &der);
    return true;
}

static bool is_signed(const struct parcel_member *member)
{
    return strcmp(member->name, "application.xml") == 0 ||
           strncmp(member->name, "attachments/", 12) == 0;
}

static bool sign_cms(struct draft *draft, bool attributes, struct failure *f)
{
    size_t count = draft->parcel.count; /* the files of signatures come behind */
    for (size_t i = 0; i < count; i++) {
        char name[sizeof draft->parcel.members[i].name];
        memcpy(name, draft->parcel.members[i].name, sizeof name);
        if (is_signed(&draft->parcel.members[i]) && !draft_sign_cms(draft, name, attributes, f))
            return false;
    }
    return true;
}

static bool raw_write(const struct draft *draft, struct buffer *json, struct failure *f)
{
    _cleanup_(cleanup_buffer) struct buffer der = {0};
    if (!certificate_der(draft->certificate, &der, f))
        return false;
    buffer_append_text(json, "{\"certificate\":\"");
    base64_encode(buffer_bytes(&der), json);
    buffer_append_text(json, "\",\n \"signatures\":[");
    const char *comma = "";
    for (size_t i = 0; i < draft->parcel.count; i++) {
        const struct parcel_member *member = &draft->parcel.members[i];
        _cleanup_(cleanup_buffer) struct buffer value = {0};
        if (!is_signed(member))
            continue;
        if (!value_sign(draft->signing_key, buffer_bytes(&member->bytes), &value, f))
            return false;
        buffer_format(json, "%s\n  {\"member\":\"%s\",\"algorithm\":\"%s\",\"value\":\"", comma,
                      member->name, value_algorithm(draft->signing_key));
        base64_encode(buffer_bytes(&value), json);
        buffer_append_text(json, "\"}");
        comma = ",";
    }
    buffer_append_text(json, "]}\n");
    return true;
}

bool draft_sign_container(struct draft *draft, struct failure *f)
{
    _cleanup_(cleanup_buffer) struct buffer json = {0};
    if (draft->style != SIGN_RAW)
        return sign_cms(draft, draft->style == SIGN_CMS, f);
    if (!raw_write(draft, &json, f))
        return false;
    parcel_add(&draft->parcel, "signature/raw.json", &json);
    return true;
}
