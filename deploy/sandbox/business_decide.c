/* What the made-up business system decides, and what it tells the resident. */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "deploy/sandbox/business.h"

const char *business_decide(const struct business_rule *rule, const struct business_item *item)
{
    uint8_t hash[32];
    if (item->notice)
        return "rejected";
    sha256(bytes_of_text(item->receipt_number), hash);
    int percent = hash[0] * 100 / 256;
    return percent < rule->rejected                      ? "rejected"
           : percent < rule->rejected + rule->incomplete ? "incomplete"
                                                         : "completed";
}

struct words {
    const char *outcome, *code, *reason, *message;
};

static const struct words all_words[] = {
    {"completed", NULL, NULL, "手続が完了しました。結果の通知をお送りします。"},
    {"rejected", "E1001", "要件に当たりません",
     "審査の結果、却下となりました。理由は通知に書いています。"},
    {"incomplete", "E1002", "確認できる書類がありません",
     "内容を確認できませんでした。書類を確かめて、もう一度申請してください。"},
};
static const struct words withdrawn_words = {"rejected", "E1003", "申請者が取り下げました",
                                             "取下げを受け付けました。"};

static const struct words *words_of(bool notice, const char *outcome)
{
    if (notice)
        return &withdrawn_words;
    size_t i = 0;
    while (i + 1 < sizeof all_words / sizeof all_words[0] &&
           strcmp(all_words[i].outcome, outcome) != 0)
        i++;
    return &all_words[i];
}

json_t *business_outcome(int64_t id, const char *receipt_number, bool notice, const char *outcome)
{
    char text[24];
    const struct words *words = words_of(notice, outcome);
    snprintf(text, sizeof text, "%" PRId64, id);
    json_t *json = json_pack("{s:s, s:s}", "outcome", outcome, "message", words->message);
    if (notice)
        json_object_set_new(json, "receipt_number", json_string(receipt_number));
    else
        json_object_set_new(json, "id", json_string(text));
    if (words->code)
        json_object_set_new(json, "reasons",
                            json_pack("[{s:s, s:s, s:s}]", "code", words->code, "item",
                                      "application", "message", words->reason));
    return json;
}
