#include "deploy/sandbox/town_form.h"

#include <stdio.h>
#include <string.h>

#define FORM_NAMESPACE "urn:uketsuke:form:child-allowance.certification-claim:1"

static void day_write(struct buffer *xml, const char *element, struct day day)
{
    buffer_format(xml, "    <%s>%04d-%02d-%02d</%s>\n", element, day.year, day.month, day.day,
                  element);
}

static void text_write_element(struct buffer *xml, const char *left_out, const char *element,
                               const char *text)
{
    if (!left_out || strcmp(left_out, element) != 0)
        buffer_format(xml, "    <%s>%s</%s>\n", element, text, element);
}

static void claimant_write(const struct form_order *order, struct dice *dice, struct buffer *xml)
{
    const struct person *person = &order->household->claimant;
    const char *out = order->left_out;
    char phone[16];
    /* 090-0… was never given out. */
    snprintf(phone, sizeof phone, "0900000%04d", dice_between(dice, 0, 9999));
    buffer_append_text(xml, "  <claimant>\n");
    text_write_element(xml, out, "name", order->name ? order->name : person->name);
    text_write_element(xml, out, "name-kana", person->name_kana);
    if (!out || strcmp(out, "birth-date") != 0)
        day_write(xml, "birth-date", person->birth_day);
    text_write_element(xml, out, "sex", (const char[]){person->sex, '\0'});
    text_write_element(xml, out, "address", order->household->address);
    text_write_element(xml, out, "postal-code", order->household->postal_code);
    text_write_element(xml, out, "phone", phone);
    text_write_element(xml, out, "individual-number",
                       order->number ? order->number : person->individual_number);
    bool employee = dice_chance(dice, 75);
    text_write_element(xml, out, "occupation", employee ? "employee" : "other");
    text_write_element(xml, out, "pension", employee ? "employees" : "national");
    buffer_append_text(xml, "  </claimant>\n");
}

static void spouse_write(const struct household *household, struct buffer *xml)
{
    if (!household->has_spouse)
        return;
    buffer_format(xml,
                  "  <spouse>\n    <name>%s</name>\n"
                  "    <individual-number>%s</individual-number>\n"
                  "    <same-address>true</same-address>\n"
                  "    <civil-servant>false</civil-servant>\n  </spouse>\n",
                  household->spouse.name, household->spouse.individual_number);
}

static void child_write(const struct person *child, struct buffer *xml)
{
    buffer_format(xml, "   <child>\n    <name>%s</name>\n    <relationship>%s</relationship>\n",
                  child->name, child->sex == '1' ? "son" : "daughter");
    day_write(xml, "birth-date", child->birth_day);
    buffer_append_text(xml, "    <living-together>true</living-together>\n"
                            "    <custody>true</custody>\n    <livelihood>same</livelihood>\n");
    if (child->individual_number[0])
        buffer_format(xml, "    <individual-number>%s</individual-number>\n",
                      child->individual_number);
    buffer_append_text(xml, "   </child>\n");
}

static void event_write(const struct form_order *order, struct dice *dice, struct buffer *xml)
{
    const struct household *household = order->household;
    struct day day = household->newborn
                         ? household->children[household->child_count - 1].birth_day
                         : day_add(day_of_instant(order->applied_at), -dice_between(dice, 1, 13));
    buffer_format(xml, "  <event>\n    <kind>%s</kind>\n",
                  household->newborn ? "birth" : "move-in");
    if (!household->newborn)
        day_write(xml, "move-out-planned", day_add(day, -1));
    day_write(xml, "date", day);
    buffer_append_text(xml, "  </event>\n");
}

static void account_write(const struct household *household, struct dice *dice, struct buffer *xml)
{
    if (dice_chance(dice, 30)) {
        buffer_append_text(xml, "  <account>\n    <public-money-account>true"
                                "</public-money-account>\n  </account>\n");
        return;
    }
    buffer_format(xml,
                  "  <account>\n    <public-money-account>false</public-money-account>\n"
                  "    <institution>bank</institution>\n"
                  "    <bank-code>9999</bank-code>\n    <branch-code>%03d</branch-code>\n"
                  "    <kind>ordinary</kind>\n    <number>%07d</number>\n"
                  "    <holder-kana>%s</holder-kana>\n  </account>\n",
                  dice_between(dice, 1, 20), dice_between(dice, 0, 9999999),
                  household->claimant.name_kana);
}

/* With three children or more a 確認書 would be needed, which the town does not write. */
static int older_children(const struct household *household, struct dice *dice)
{
    return dice_chance(dice, 10) && household->child_count < 2 ? 1 : 0;
}

void form_write(const struct form_order *order, struct buffer *ret_xml)
{
    const struct household *household = order->household;
    struct dice dice = dice_make(order->dice_seed, 7);
    buffer_format(ret_xml,
                  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n%s"
                  "<application xmlns=\"" FORM_NAMESPACE "\">\n",
                  order->prologue ? order->prologue : "");
    claimant_write(order, &dice, ret_xml);
    spouse_write(household, ret_xml);
    buffer_append_text(ret_xml, "  <children>\n");
    for (size_t i = 0; i < household->child_count; i++)
        child_write(&household->children[i], ret_xml);
    buffer_format(ret_xml, "  </children>\n  <older-children-count>%d</older-children-count>\n",
                  older_children(household, &dice));
    event_write(order, &dice, ret_xml);
    account_write(household, &dice, ret_xml);
    buffer_format(ret_xml, "  <consent>true</consent>\n%s</application>\n",
                  order->extra ? order->extra : "");
}
