/* Time. An instant is microseconds since 1970-01-01T00:00:00Z; days are days of Japan Standard Time
 * (UTC+9, no summer time). The clock can be set for tests and for `--at`: nothing else asks the
 * operating system what time it is. */
#ifndef UKETSUKE_BASE_CLOCK_H
#define UKETSUKE_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

typedef int64_t instant;

#define INSTANT_SECOND ((instant)1000000)
#define INSTANT_DAY    (86400 * INSTANT_SECOND)
#define INSTANT_TEXT   33 /* room for instant_text_jst, NUL included */
#define DURATION_TEXT  32

struct day { /* Gregorian, in JST */
    int year;
    int month;
    int day;
};

/* Call once in main, before threads: local time, which a library may ask for (libzip for each
 * member of an archive), is UTC unless TZ says another; without this the C library looks whether
 * /etc/localtime has changed each time. */
void clock_initialize(void);
instant clock_now(void);
/* From now on clock_now() answers `now` and stands still; 0 gives the real clock back. */
void clock_fix(instant now);
/* Microseconds of a clock that never goes back, for time-outs; no relation to clock_now. */
int64_t clock_monotonic(void);

/* RFC 3339 with offset ("2026-11-21T09:00:00.5+09:00", "…Z"), years 1868 to 9999. */
bool instant_parse(const char *text, instant *ret_instant);
/* "2026-11-21T09:00:00.500000+09:00"; returns text. */
const char *instant_text_jst(instant at, char text[INSTANT_TEXT]);
/* How long, for people: "90 s", "3 min", "25 h", "5 d". Returns text. */
const char *duration_text(instant duration, char text[DURATION_TEXT]);

#define DAY_TEXT 36
const char *day_text(struct day day, char text[DAY_TEXT]); /* "2026-11-21"; returns text */
struct day day_of_instant(instant at);
instant day_start(struct day day);                     /* 00:00 JST */
bool day_parse(const char *text, struct day *ret_day); /* "YYYY-MM-DD", a day that exists */
bool day_valid(struct day day);
int day_compare(struct day a, struct day b); /* <0, 0, >0 */
struct day day_add(struct day day, int days);
int64_t day_number(struct day day); /* days since 1970-01-01 */

#endif
