#include "deploy/sandbox/city_names.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct piece {
    const char *plain, *kana, *variant; /* variant: NULL when there is none */
};

static const struct piece family_first[] = {
    {"高", "タカ", "髙"},
    {"山", "ヤマ"},
    {"田", "タ"},
    {"中", "ナカ"},
    {"小", "コ"},
    {"渡", "ワタ"},
    {"松", "マツ"},
    {"吉", "ヨシ", "𠮷"},
    {"石", "イシ"},
    {"大", "オオ"},
    {"斎", "サイ", "齋"},
    {"斉", "サイ", "齊"},
    {"木", "キノ"},
    {"林", "ハヤシ"},
    {"清", "キヨ"},
    {"森", "モリ"},
    {"池", "イケ"},
    {"浜", "ハマ", "濵"},
    {"橋", "ハシ"},
    {"阿", "ア"},
    {"島", "シマ", "嶋"},
    {"前", "マエ"},
    {"藤", "フジ"},
    {"岡", "オカ"},
    {"長", "ナガ"},
    {"近", "コン"},
    {"後", "ゴ"},
    {"村", "ムラ"},
    {"遠", "エン"},
    {"青", "アオ"},
    {"坂", "サカ"},
    {"福", "フク"},
    {"西", "ニシ"},
    {"東", "ヒガシ"},
    {"南", "ミナミ"},
    {"北", "キタ"},
    {"沢", "サワ", "澤"},
    {"広", "ヒロ", "廣"},
    {"国", "クニ", "國"},
    {"黒", "クロ", "黑"},
    {"桜", "サクラ", "櫻"},
    {"竹", "タケ"},
    {"関", "セキ", "關"},
    {"富", "トミ", "冨"},
    {"上", "ウエ"},
    {"下", "シモ"},
    {"内", "ウチ"},
    {"平", "ヒラ"},
    {"滝", "タキ", "瀧"},
    {"葛", "クズ", "葛󠄀"},
    {"辻", "ツジ", "辻󠄀"},
    {"真", "マ", "眞"},
    {"秋", "アキ"},
    {"春", "ハル"},
    {"夏", "ナツ"},
    {"冬", "フユ"},
    {"宮", "ミヤ"},
    {"神", "カミ", "\uFA19"},
    {"塚", "ツカ", "\uFA10"},
    {"金", "カネ"},
    {"水", "ミズ"},
    {"河", "カワ"},
    {"佐々", "ササ"},
    {"関ヶ", "セキガ"},
};
static const struct piece family_second[] = {
    {"田", "ダ"},         {"橋", "ハシ"}, {"藤", "トウ"},       {"本", "モト"},
    {"辺", "ベ", "邊"},   {"木", "キ"},   {"川", "カワ"},       {"村", "ムラ"},
    {"崎", "サキ", "﨑"}, {"山", "ヤマ"}, {"野", "ノ"},         {"原", "ハラ"},
    {"部", "ベ"},         {"井", "イ"},   {"島", "シマ", "嶋"}, {"岡", "オカ"},
    {"口", "クチ"},       {"谷", "タニ"}, {"沢", "ザワ", "澤"}, {"尾", "オ"},
    {"上", "ウエ"},       {"下", "シタ"}, {"浦", "ウラ"},       {"瀬", "セ", "瀨"},
    {"塚", "ヅカ"},       {"内", "ウチ"}, {"坂", "サカ"},       {"場", "バ"},
    {"倉", "クラ"},       {"永", "ナガ"}, {"江", "エ"},         {"見", "ミ"},
    {"宮", "ミヤ"},       {"松", "マツ"}, {"林", "バヤシ"},     {"森", "モリ"},
    {"池", "イケ"},       {"水", "ミズ"}, {"津", "ツ"},         {"屋", "ヤ"},
    {"浜", "ハマ", "濱"}, {"越", "コシ"},
};
static const struct piece man_first[] = {
    {"太", "タ"},     {"健", "ケン"},   {"大", "ダイ"}, {"直", "ナオ"},   {"悠", "ユウ"},
    {"陽", "ヨウ"},   {"拓", "タク"},   {"浩", "コウ"}, {"正", "マサ"},   {"和", "カズ"},
    {"俊", "シュン"}, {"博", "ヒロ"},   {"隆", "タカ"}, {"信", "ノブ"},   {"秀", "ヒデ"},
    {"義", "ヨシ"},   {"英", "エイ"},   {"明", "アキ"}, {"清", "キヨ"},   {"竜", "リュウ"},
    {"智", "トモ"},   {"康", "ヤス"},   {"勇", "ユウ"}, {"修", "シュウ"}, {"貴", "タカ"},
    {"翔", "ショウ"}, {"優", "ユウ"},   {"啓", "ケイ"}, {"剛", "ゴウ"},   {"純", "ジュン"},
    {"誠", "セイ"},   {"良", "リョウ"}, {"幸", "コウ"}, {"孝", "タカ"},   {"雅", "マサ"},
    {"光", "ミツ"},   {"達", "タツ"},   {"祐", "ユウ"}, {"敏", "トシ"},   {"晴", "ハル"},
};
static const struct piece man_second[] = {
    {"郎", "ロウ"}, {"一", "イチ"}, {"二", "ジ"}, {"三", "ゾウ"}, {"介", "スケ"},
    {"輔", "スケ"}, {"樹", "キ"},   {"人", "ト"}, {"斗", "ト"},   {"也", "ヤ"},
    {"之", "ユキ"}, {"彦", "ヒコ"}, {"夫", "オ"}, {"雄", "オ"},   {"司", "ジ"},
    {"治", "ジ"},   {"志", "シ"},   {"海", "ミ"}, {"平", "ヘイ"}, {"太", "タ"},
};
static const struct piece woman_first[] = {
    {"陽", "ヒ"},   {"美", "ミ"},   {"結", "ユ"},   {"千", "チ"},   {"由", "ユ"},
    {"恵", "エ"},   {"真", "マ"},   {"香", "カ"},   {"奈", "ナ"},   {"莉", "リ"},
    {"静", "シズ"}, {"智", "トモ"}, {"明", "アキ"}, {"小", "コ"},   {"琴", "コト"},
    {"和", "カズ"}, {"幸", "サチ"}, {"久", "ヒサ"}, {"洋", "ヨウ"}, {"京", "キョウ"},
    {"裕", "ヒロ"}, {"直", "ナオ"}, {"佳", "カ"},   {"愛", "アイ"}, {"優", "ユ"},
    {"友", "ユ"},   {"沙", "サ"},   {"早", "サ"},   {"麻", "マ"},   {"亜", "ア"},
    {"里", "リ"},   {"春", "ハル"}, {"夏", "ナツ"}, {"秋", "アキ"}, {"冬", "フユ"},
    {"咲", "サ"},   {"玲", "レ"},   {"彩", "アヤ"}, {"万", "マ"},   {"仁", "ニ"},
};
static const struct piece woman_second[] = {
    {"子", "コ"},   {"美", "ミ"}, {"菜", "ナ"}, {"奈", "ナ"}, {"花", "カ"}, {"香", "カ"},
    {"織", "オリ"}, {"紀", "キ"}, {"恵", "エ"}, {"絵", "エ"}, {"衣", "イ"}, {"音", "ネ"},
    {"月", "ツキ"}, {"里", "リ"}, {"乃", "ノ"}, {"代", "ヨ"},
};
static const char *const roman_family[] = {
    "ＮＧＵＹＥＮ", "ＴＲＡＮ",   "ＬＩ",       "ＷＡＮＧ", "ＫＩＭ",     "ＰＡＲＫ",
    "ＳＡＮＴＯＳ", "ＳＩＬＶＡ", "ＳＭＩＴＨ", "ＣＲＵＺ", "ＲＥＹＥＳ", "ＳＨＡＲＭＡ",
    "ＴＨＡＰＡ",   "ＣＨＥＮ",   "ＬＩＵ",     "ＰＨＡＭ",
};
static const char *const roman_given[] = {
    "ＡＮ",       "ＢＩＮＨ", "ＣＡＲＬＯＳ", "ＤＵＣ",   "ＥＭＩＬＹ", "ＦＡＮＧ",
    "ＧＲＡＣＥ", "ＨＯＡ",   "ＩＲＥＮＥ",   "ＪＯＨＮ", "ＫＨＯＡ",   "ＬＵＩＳＡ",
    "ＭＡＲＩＡ", "ＮＡＭ",   "ＯＳＣＡＲ",   "ＰＡＵＬ", "ＱＵＡＮＧ", "ＲＡＪ",
    "ＳＩＴＡ",   "ＴＨＡＯ", "ＵＭＡ",       "ＶＡＮ",   "ＷＥＩ",     "ＹＡＮ",
};
static const char *const town_first[] = {
    "本",   "花見", "緑",   "若松", "川端", "中央", "日の出", "泉",   "宮前", "栄",
    "朝日", "桜",   "西新", "東原", "南浜", "北の", "三",     "八幡", "千代", "霞ヶ",
    "梅",   "藤",   "萩",   "柳",   "松",   "竹",   "白鳥",   "鶴",   "亀",   "星",
    "月見", "雲",   "青葉", "紅葉", "井の", "榎",   "檜",     "桐",   "金",   "銀",
};
static const char *const town_second[] = {
    "町", "が丘", "台", "田", "原", "野", "沢", "崎", "里", "谷",
};
static const char *const buildings[] = {
    "コーポ",   "ハイツ", "メゾン", "サンライズ", "パーク", "グリーン",
    "フラワー", "リバー", "ヒルズ", "レジデンス", "第２",
};
static const char *const building_ends[] = {
    "桜", "若葉", "マンション", "ハイム", "タワー", "荘", "ビル", "コート",
};

/* Rank r (from 0) with weight 1 / (r + shift): frequent ones are near 2 % of all. */
static size_t zipf(struct dice *dice, size_t count, size_t shift)
{
    static struct table {
        size_t count;
        uint64_t upto[4096];
    } tables[2];
    struct table *t = &tables[count > 1000];
    if (t->count != count) {
        uint64_t sum = 0;
        for (size_t r = 0; r < count; r++)
            t->upto[r] = sum += 1000000000000u / (r + shift);
        t->count = count;
    }
    uint64_t at = dice_roll(dice) % t->upto[count - 1];
    size_t low = 0, high = count - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (t->upto[middle] > at)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void append(char *to, size_t size, const char *text)
{
    size_t length = strlen(to);
    snprintf(to + length, size - length, "%s", text);
}

static void add_marks(char *marks, const char *text, char mark)
{
    size_t length = strlen(marks), n = utf8_length(text);
    memset(marks + length, mark, n);
    marks[length + n] = '\0';
}

static void add_piece(struct city_name *name, const struct piece *piece, enum shape shape)
{
    bool other = shape != SHAPE_PLAIN, replaced = shape == SHAPE_REPLACED || shape == SHAPE_GAIJI;
    const char *variant = shape == SHAPE_GAIJI ? "\uE123" : piece->variant;
    if (other && !variant)
        variant = "\uE124";
    const char *written = other && !replaced ? variant : piece->plain;
    append(name->registered, CITY_NAME, other ? variant : piece->plain);
    append(name->certificate, CITY_NAME, written);
    add_marks(name->marks, written, replaced ? '1' : '0');
    append(name->plain, CITY_NAME, piece->plain);
    append(name->kana, CITY_NAME, piece->kana);
}

void city_family_roll(struct dice *dice, enum shape shape, struct city_name *ret_name)
{
    const struct piece *first, *second;
    bool needs = shape == SHAPE_VARIANT || shape == SHAPE_REPLACED;
    do {
        size_t rank = zipf(dice, COUNT(family_first) * COUNT(family_second), 8);
        first = &family_first[rank % COUNT(family_first)];
        second = &family_second[rank / COUNT(family_first) % COUNT(family_second)];
    } while (needs && !first->variant && !second->variant);
    bool on_first = needs ? first->variant != NULL : utf8_length(first->plain) == 1;
    *ret_name = (struct city_name){0};
    add_piece(ret_name, first, on_first ? shape : SHAPE_PLAIN);
    add_piece(ret_name, second, on_first ? SHAPE_PLAIN : shape);
}

struct pieces {
    const struct piece *first, *second;
    size_t first_count, second_count;
};
static struct pieces given_pieces(char sex)
{
    return sex == '1' ? (struct pieces){man_first, man_second, COUNT(man_first), COUNT(man_second)}
                      : (struct pieces){woman_first, woman_second, COUNT(woman_first),
                                        COUNT(woman_second)};
}

void city_given_roll(struct dice *dice, char sex, struct city_name *ret_name)
{
    struct pieces p = given_pieces(sex);
    size_t rank = zipf(dice, 640, 30);
    *ret_name = (struct city_name){0};
    add_piece(ret_name, &p.first[rank % p.first_count], SHAPE_PLAIN);
    if (!dice_chance(dice, 12)) /* else a name of one character: 翔, 陽 */
        add_piece(ret_name, &p.second[rank / p.first_count % p.second_count], SHAPE_PLAIN);
}

void city_given_pair(struct dice *dice, char sex, struct city_name *ret_one,
                     struct city_name *ret_other)
{
    struct pieces p = given_pieces(sex);
    const struct piece *first = &p.first[dice_roll(dice) % p.first_count];
    size_t one = dice_roll(dice) % p.second_count;
    *ret_one = *ret_other = (struct city_name){0};
    add_piece(ret_one, first, SHAPE_PLAIN);
    add_piece(ret_one, &p.second[one], SHAPE_PLAIN);
    add_piece(ret_other, first, SHAPE_PLAIN);
    add_piece(ret_other, &p.second[(one + 1) % p.second_count], SHAPE_PLAIN);
    ret_one->marks[strlen(ret_one->marks) - 1] = '1';
    ret_other->marks[strlen(ret_other->marks) - 1] = '1';
}

void city_roman_roll(struct dice *dice, char ret_roman[96])
{
    const char *family = roman_family[dice_roll(dice) % COUNT(roman_family)];
    const char *given = roman_given[dice_roll(dice) % COUNT(roman_given)];
    const char *middle = roman_given[dice_roll(dice) % COUNT(roman_given)];
    if (dice_chance(dice, 60))
        snprintf(ret_roman, 96, "%s　%s　%s", family, middle, given);
    else
        snprintf(ret_roman, 96, "%s　%s", family, given);
}

void city_town_roll(struct dice *dice, char ret_town[48])
{
    const char *first = town_first[dice_roll(dice) % COUNT(town_first)];
    const char *second = town_second[dice_roll(dice) % COUNT(town_second)];
    if (dice_chance(dice, 2))
        snprintf(ret_town, 48, "北%s条西", (const char *[]){"一", "二", "十"}[dice_roll(dice) % 3]);
    else
        snprintf(ret_town, 48, "%s%s%s", dice_chance(dice, 10) ? "大字" : "", first, second);
}

void city_building_roll(struct dice *dice, char ret_building[48])
{
    snprintf(ret_building, 48, "%s%s", buildings[dice_roll(dice) % COUNT(buildings)],
             building_ends[dice_roll(dice) % COUNT(building_ends)]);
}
