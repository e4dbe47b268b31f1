#include <openssl/x509v3.h>

#include "signature/path_internal.h"

struct search {
    const struct path_input *input;
    bool (*judge)(void *context, const struct path *path);
    void *context;
    struct path path;
    size_t steps, tries;
    bool limit;
};

/* Where it is told and known, it fits or not; the choice among several is all that it decides. */
static bool key_id_fits(X509 *x509, X509 *issuer)
{
    const ASN1_OCTET_STRING *wanted = X509_get0_authority_key_id(x509);
    const ASN1_OCTET_STRING *own = X509_get0_subject_key_id(issuer);
    return !wanted || !own || ASN1_OCTET_STRING_cmp(wanted, own) == 0;
}

static bool on_path(const struct path *path, const X509 *x509)
{
    for (size_t i = 0; i < path->length; i++)
        if (X509_cmp(path->certificates[i], x509) == 0)
            return true;
    return false;
}

static bool climb(struct search *s);

/* False: not with this one; true: the search is over. */
static bool step(struct search *s, X509 *issuer, bool anchor)
{
    if (s->path.length == PATH_LENGTH_MAX || s->steps == PATH_STEPS_MAX ||
        s->tries == PATH_TRIES_MAX)
        return s->limit = true, s->path.length < PATH_LENGTH_MAX;
    s->steps++;
    s->path.certificates[s->path.length++] = issuer;
    s->tries += anchor;
    bool over = anchor ? s->judge(s->context, &s->path) : climb(s);
    s->path.length--;
    return over;
}

static bool climb_to(struct search *s, STACK_OF(X509) * pool, bool anchors, bool fitting)
{
    X509 *last = s->path.certificates[s->path.length - 1];
    for (int i = 0; i < sk_X509_num(pool); i++) {
        X509 *issuer = sk_X509_value(pool, i);
        if (X509_NAME_cmp(X509_get_issuer_name(last), X509_get_subject_name(issuer)) == 0 &&
            key_id_fits(last, issuer) == fitting && !on_path(&s->path, issuer) &&
            step(s, issuer, anchors))
            return true;
    }
    return false;
}

/* As deep as PATH_LENGTH_MAX, no deeper. */
static bool climb(struct search *s)
{
    return climb_to(s, s->input->anchors, true, true) ||
           climb_to(s, s->input->untrusted, false, true) ||
           climb_to(s, s->input->anchors, true, false) ||
           climb_to(s, s->input->untrusted, false, false);
}

static bool is_anchor(const struct path_input *input, const X509 *x509)
{
    for (int i = 0; i < sk_X509_num(input->anchors); i++)
        if (X509_cmp(sk_X509_value(input->anchors, i), x509) == 0)
            return true;
    return false;
}

size_t path_each(X509 *leaf, const struct path_input *input,
                 bool (*judge)(void *context, const struct path *path), void *context,
                 bool *ret_limit)
{
    struct search s = {.input = input, .judge = judge, .context = context};
    if (is_anchor(input, leaf))
        step(&s, leaf, true);
    else {
        s.path.certificates[s.path.length++] = leaf;
        climb(&s);
    }
    *ret_limit = s.limit;
    return s.tries;
}
