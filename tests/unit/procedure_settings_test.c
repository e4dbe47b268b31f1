/* [procedure ID]: what a city chooses for a procedure, as the roles read it when they start. */
#include <string.h>

#include "base/cleanup.h"
#include "base/config.h"
#include "intake/examine.h"
#include "tests/unit/check.h"

#define CLAIM "child-allowance.certification-claim"

DEFINE_CLEANUP(cleanup_config, struct config *, config_free)

/* The fingerprint of the claim's definition; NULL with a failure. */
static char *fingerprint(const char *text, struct failure *f)
{
    static const struct config_section *const sections[] = {&forms_config_section,
                                                            &procedure_config_section};
    _cleanup_(cleanup_config) struct config *config = NULL;
    _cleanup_(cleanup_text) char *whole =
        text_format("[forms]\nprocedures = " SOURCE_ROOT "/forms/procedures\n%s", text);
    struct procedures *procedures;
    *f = (struct failure){0};
    if (!config_parse("test.conf", bytes_of_text(whole), sections, 2, &config, f))
        fail_msg("%s", f->text);
    if (!examiner_load_procedures(config, &procedures, f))
        return NULL;
    char *found = text_copy(procedure_sha256(procedures_find(procedures, CLAIM, "1")));
    procedures_free(procedures);
    return found;
}

static void test_taken(void **state)
{
    (void)state;
    struct failure f;
    _cleanup_(cleanup_text) char *none = fingerprint("", &f);
    _cleanup_(cleanup_text) char *initial =
        fingerprint("[procedure " CLAIM "]\nanchor = move-out-planned\n", &f);
    _cleanup_(cleanup_text) char *other =
        fingerprint("[procedure " CLAIM "]\nanchor = move-in\n", &f);
    assert_string_equal(none, initial);
    assert_string_not_equal(none, other); /* what judged a form can be told afterwards */
}

/* No role starts with a choice that nothing follows; the line is named. */
static void expect_fault(const char *text, const char *words)
{
    struct failure f;
    if (fingerprint(text, &f))
        fail_msg("taken: %s", text);
    assert_failure(f, FAILURE_USAGE, words);
    assert_non_null(strstr(f.text, "test.conf"));
}

static void test_unknown(void **state)
{
    (void)state;
    expect_fault("[procedure " CLAIM "]\nanker = move-in\n",
                 "has no setting anker with the value \"move-in\"");
    expect_fault("[procedure " CLAIM "]\nanchor = tomorrow\n",
                 "has no setting anchor with the value \"tomorrow\"");
    expect_fault("[procedure " CLAIM "]\nanchor = move-in\nanker = move-in\n", ":5");
    expect_fault("[procedure child-allowance.nothing]\nanchor = move-in\n",
                 "there is no procedure child-allowance.nothing");
    expect_fault("[procedure child-allowance]\nanchor = move-in\n",
                 "there is no procedure child-allowance");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_taken),
                                       cmocka_unit_test(test_unknown)};
    return cmocka_run_group_tests_name("procedure_settings", tests, NULL, NULL);
}
