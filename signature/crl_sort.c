/* Radix sort from the greatest digit on. A digit is an octet of the serial number or of the value;
 * those in which the records do not differ are passed over, so that short serial numbers cost no
 * more than they have octets. Each step down looks at fewer records, which soon fit into a cache;
 * the last few are sorted by comparing. There are 32 digits: so deep it goes at most. */
#include "signature/crl_sort.h"

#include <string.h>

#define SERIAL_DIGITS sizeof(struct serial)
#define DIGITS        (SERIAL_DIGITS + sizeof(int64_t))
#define GROUP_SMALL   24

static_assert(sizeof(struct crl_record) == DIGITS, "a record is its digits, and nothing else");

/* Digit 0 counts least: the value's eight octets, then the serial number's. Little-endian, as the
 * index is. */
static size_t digit_offset(size_t digit)
{
    return (digit + SERIAL_DIGITS) % DIGITS;
}

static uint8_t digit_of(const struct crl_record *record, size_t offset)
{
    uint8_t octet = ((const uint8_t *)record)[offset];
    return offset == DIGITS - 1 ? octet ^ 0x80 : octet; /* the value has a sign */
}

/* How many digits count, from 0 up to the greatest in which the records differ; 0: in none. */
static size_t digits_differing(const struct crl_record *records, size_t count)
{
    struct crl_record differ = {0};
    for (size_t i = 1; i < count; i++) {
        for (int k = 0; k < 3; k++)
            differ.serial.limbs[k] |= records[i].serial.limbs[k] ^ records[0].serial.limbs[k];
        differ.value |= records[i].value ^ records[0].value;
    }
    size_t digits = DIGITS;
    while (digits > 0 && !((const uint8_t *)&differ)[digit_offset(digits - 1)])
        digits--;
    return digits;
}

static bool is_sorted(const struct crl_record *records, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (crl_record_compare(&records[i - 1], &records[i]) > 0)
            return false;
    return true;
}

static void insertion_sort(struct crl_record *records, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const struct crl_record record = records[i];
        size_t place = i;
        for (; place > 0 && crl_record_compare(&records[place - 1], &record) > 0; place--)
            records[place] = records[place - 1];
        records[place] = record;
    }
}

/* By one digit. ret_ends: where the records of each value end. */
static void split(struct crl_record *records, struct crl_record *spare, size_t count, size_t offset,
                  uint32_t ret_ends[256])
{
    uint32_t place = 0;
    memset(ret_ends, 0, 256 * sizeof *ret_ends);
    for (size_t i = 0; i < count; i++)
        ret_ends[digit_of(&records[i], offset)]++;
    for (size_t value = 0; value < 256; value++) {
        uint32_t of_value = ret_ends[value];
        ret_ends[value] = place;
        place += of_value;
    }
    memcpy(spare, records, count * sizeof *records);
    for (size_t i = 0; i < count; i++)
        records[ret_ends[digit_of(&spare[i], offset)]++] = spare[i];
}

void crl_records_sort(struct crl_record *records, struct crl_record *spare, size_t count)
{
    uint32_t ends[256], from = 0;
    if (count <= GROUP_SMALL) {
        insertion_sort(records, count);
        return;
    }
    if (is_sorted(records, count))
        return;
    split(records, spare, count, digit_offset(digits_differing(records, count) - 1), ends);
    for (size_t value = 0; value < 256; from = ends[value++])
        crl_records_sort(records + from, spare, ends[value] - from);
}
