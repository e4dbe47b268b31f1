/* A fuzz target: eats any bytes, must neither crash nor leak nor run long. */
#ifndef UKETSUKE_TESTS_FUZZ_H
#define UKETSUKE_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
