/* The words of a ZIP archive that its judges share (APPNOTE.TXT 6.3.10). */
#ifndef UKETSUKE_INTAKE_PACKAGE_ZIP_H
#define UKETSUKE_INTAKE_PACKAGE_ZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZIP_FLAG_ENCRYPTED  0x0001
#define ZIP_FLAG_DESCRIPTOR 0x0008 /* sizes and checksum stand behind the data */
#define ZIP_FLAG_STRONG     0x0040
#define ZIP_FLAG_MASKED     0x2000
#define ZIP_FLAGS_THAT_MATTER                                                                      \
    (ZIP_FLAG_ENCRYPTED | ZIP_FLAG_DESCRIPTOR | ZIP_FLAG_STRONG | ZIP_FLAG_MASKED)
#define ZIP_METHOD_STORED   0
#define ZIP_METHOD_DEFLATED 8

static inline unsigned zip_little16(const uint8_t *p)
{
    return p[0] | (unsigned)p[1] << 8;
}

static inline uint32_t zip_little32(const uint8_t *p)
{
    return zip_little16(p) | (uint32_t)zip_little16(p + 2) << 16;
}

static inline bool zip_mark_is(const uint8_t *p, uint8_t third, uint8_t fourth)
{
    return p[0] == 'P' && p[1] == 'K' && p[2] == third && p[3] == fourth;
}

/* Extra fields (§4.5): whole ones, and none that gives the sizes once more (ZIP64, id 1). */
static inline bool zip_extra_plain(const uint8_t *p, size_t length)
{
    while (length >= 4) {
        size_t field = 4 + zip_little16(p + 2);
        if (field > length || zip_little16(p) == 1)
            return false;
        p += field;
        length -= field;
    }
    return length == 0;
}

#endif
