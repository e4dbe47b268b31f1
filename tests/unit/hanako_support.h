/* For the tests of matching: 桜野　花子, as her card tells of her and as the registry does; a test
 * changes what it is about. */
#ifndef UKETSUKE_TESTS_HANAKO_SUPPORT_H
#define UKETSUKE_TESTS_HANAKO_SUPPORT_H

#include "intake/identify/match.h"

#define NAME    "桜野　花子"
#define KANA    "サクラノ　ハナコ"
#define ADDRESS "試験県桜野市本町一丁目２番３号"

__attribute__((unused)) static const struct facts certificate = {.name = NAME,
                                                                 .name_substituted = "00000",
                                                                 .kana = "",
                                                                 .birth_date = "1992-04-01",
                                                                 .sex = '2',
                                                                 .address = ADDRESS,
                                                                 .address_substituted =
                                                                     "000000000000000"};

static const struct resident registered = {.atenabango = "000000000000001",
                                           .household = "H1",
                                           .relation = "",
                                           .name = NAME,
                                           .kana = KANA,
                                           .common_name = "",
                                           .common_kana = "",
                                           .former_surname = "",
                                           .roman_name = "",
                                           .kanji_name = "",
                                           .birth_date = {1992, 4, 1},
                                           .sex = '2',
                                           .prefecture = "試験県",
                                           .municipality = "桜野市",
                                           .town_code = "",
                                           .town = "本町一丁目",
                                           .lot = "２番３号",
                                           .building = ""};

#endif
