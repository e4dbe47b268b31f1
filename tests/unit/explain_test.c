#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "intake/explain/explain.h"
#include "intake/explain/words.h"
#include "tests/unit/check.h"

static char *page(const char *json)
{
    json_error_t error;
    _cleanup_(cleanup_json) json_t *report = json_loads(json, 0, &error);
    char *text = NULL;
    size_t size;
    assert_non_null(report);
    FILE *out = open_memstream(&text, &size);
    explain_page(out, "package.zip", report);
    fclose(out);
    return text;
}

static void test_refused(void **state)
{
    (void)state;
    _cleanup_(cleanup_text) char *text = page(
        "{\"verdict\":\"refused\",\"reason\":\"certificate-revoked\",\"judged_at\":"
        "\"2019-05-01T00:00:59.5+09:00\",\"application\":{\"receipt_number\":\"R-1\","
        "\"procedure\":\"p\",\"form_version\":\"1\",\"applied_at\":\"2019-05-01T00:00:59.5+09:00\","
        "\"applicant_role\":\"agent\"},\"evidence\":{\"algorithm\":\"rsa-sha256\"},\"coverage\":"
        "[{\"member\":\"application.pdf\",\"coverage\":\"none\",\"together\":false},"
        "{\"member\":\"attachments/1.pdf\",\"coverage\":\"bytes\",\"together\":false},"
        "{\"member\":\"attachments/2.pdf\",\"coverage\":\"bytes\",\"together\":true}],"
        "\"judged_at_source\":\"manifest\",\"checks\":["
        "{\"check\":\"signature.digest\",\"result\":\"passed\"},"
        "{\"check\":\"revocation.crl\",\"result\":\"failed\",\"reason\":\"certificate-revoked\"}]"
        "}");
    assert_non_null(strstr(text, "× 不適合（受け付けられません）"));
    assert_non_null(strstr(text, "令和元年5月1日 0時00分59秒"));
    assert_non_null(strstr(text, "代理人"));
    assert_non_null(strstr(text, "  ○ 署名後に変わっていないこと\n"));
    assert_non_null(strstr(text, "  × 証明書が失効していないこと\n"));
    assert_non_null(strstr(text, "窓口で証明書を更新"));
    assert_non_null(strstr(text, "application.pdf は署名の対象ではありません"));
    assert_non_null(strstr(text, "attachments/1.pdf は単独で署名されています"));
    assert_null(strstr(text, "application.pdf は単独"));
    assert_null(strstr(text, "attachments/2.pdf は単独"));
    assert_non_null(strstr(text, "申請データ自身の記載による"));
}

/* What another version wrote is told as far as it is understood. */
static void test_strange_reports(void **state)
{
    (void)state;
    _cleanup_(cleanup_text) char *empty = page("{}");
    assert_non_null(strstr(empty, "△ 保留"));
    _cleanup_(cleanup_text) char *strange =
        page("{\"verdict\":7,\"reason\":\"zz-unheard-of\",\"checks\":[1,{\"check\":\"zz.new\","
             "\"result\":\"undecided\"}],\"application\":[],\"evidence\":null}");
    assert_non_null(strstr(strange, "この版の説明書にない理由です。"));
    assert_non_null(strstr(strange, "△ zz.new"));
}

static void test_longest_row_counts(void **state)
{
    (void)state;
    assert_string_equal(reason_words_find("package-member-type")->reason, "package-member-type");
    assert_string_equal(reason_words_find("package-member-hash")->reason, "package-member");
    assert_string_equal(reason_words_find("package-path")->reason, "package");
    assert_null(reason_words_find("zz"));
    assert_null(reason_words_find(""));
    assert_string_equal(check_words_find("signature.digest")->check, "signature.digest");
    assert_string_equal(check_words_find("signature.other")->check, "signature.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_strange_reports),
        cmocka_unit_test(test_longest_row_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
