/*
 * One value in the text form of --resources and --attributes: `4`, `[31000-32000,33000-34000]`,
 * `{a,b}`, or any other text. Spaces inside do not count.
 */
#pragma once

#include "common/base/auto.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/model/resources.h"

enum { VALUE_BYTES_LIMIT = 1 << 20 };

struct value {
    enum value_type type;
    double scalar;        /* VALUE_SCALAR: as it was written */
    struct range *ranges; /* VALUE_RANGES: as they were written, not sorted */
    struct text *items;   /* VALUE_SET: views of `text` */
    size_t count;         /* of ranges or items */
    struct buf text;      /* without spaces */
};

void value_fini(struct value *value);
DEFINE_AUTO_FINI(struct value, value_fini)

/* ERROR_INVALID with what is wrong and where, counted in characters from `offset` + 1. */
bool value_parse(struct text text, size_t offset, struct value *out, struct error *error);

/* Prints thousandths without trailing zeros: 4, 0.5, 1.125. */
void milli_print(int64_t milli, struct buf *out);
void ranges_print(const struct range *ranges, size_t count, struct buf *out);
