/* A resident as the registry feed tells it (既存住民基本台帳システム, 宛名, 住登外者): the shape
 * that import, matching and console share. Reference §3.6 gives items and lengths, in characters.
 */
#ifndef UKETSUKE_INTAKE_REGISTRY_RESIDENT_H
#define UKETSUKE_INTAKE_REGISTRY_RESIDENT_H

#include <stdbool.h>
#include <stdint.h>

#define ATENABANGO_TEXT   16 /* X15 and NUL */
#define NUMBER_HASH_BYTES 32

/* 住民状態 */
enum resident_status {
    RESIDENT_PRESENT,      /* 現存 */
    RESIDENT_LEAVING,      /* 転出予定: still a resident */
    RESIDENT_MOVED_OUT,    /* 転出 */
    RESIDENT_DEAD,         /* 死亡 */
    RESIDENT_STRUCK_OFF,   /* 職権消除 */
    RESIDENT_NON_RESIDENT, /* 住登外者 */
    RESIDENT_STATUS_COUNT,
};

/* 生年月日; a part that is not known is 0. */
struct birth_date {
    int year, month, day; /* Gregorian */
};

/* Texts are UTF-8, as in the feed (外字 in the private-use planes and IVS survive), "" when there
 * is none; borrowed from the batch that was fetched. */
struct resident {
    char atenabango[ATENABANGO_TEXT]; /* 宛名番号 */
    char household[ATENABANGO_TEXT];  /* 世帯番号 */
    const char *relation;             /* 続柄 */
    const char *name;                 /* 氏名, U+3000 between the parts */
    const char *kana;                 /* 氏名カナ */
    const char *common_name;          /* 通称 */
    const char *common_kana;          /* 通称カナ */
    const char *former_surname;       /* 旧氏 */
    const char *roman_name;           /* 併記名, ローマ字 */
    const char *kanji_name;           /* 併記名, 漢字 */
    struct birth_date birth_date;
    char sex; /* '0' 不明, '1' 男, '2' 女 */
    const char *prefecture;
    const char *municipality; /* 市区郡町村名 */
    const char *town_code;    /* 町字コード X7 */
    const char *town;         /* 町字 */
    const char *lot;          /* 番地号表記 */
    const char *building;     /* 方書 */
    enum resident_status status;
    int status_since;  /* 異動年月日 as YYYYMMDD; 0: not told */
    bool is_protected; /* 支援措置 or 不開示 on the day asked for, or today */
    bool has_number;
    uint8_t number_hash[NUMBER_HASH_BYTES]; /* keyed hash of the 個人番号 */
};

#endif
