/*
 * What an agent says about itself: `rack:r7;zone:west;level:10;keys:[1000-1500]`. Values; fini what
 * you parse or add to. In the order in which they were given, and a name may come twice.
 */
#pragma once

#include "common/base/auto.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/model/resources.h"

enum { ATTRIBUTES_LIMIT = 1024, ATTRIBUTE_BYTES_LIMIT = 65536 };

struct attribute {
    char *name;
    enum value_type type;        /* SCALAR, RANGES or TEXT; a SET is refused, as in Mesos */
    int64_t milli;               /* SCALAR; 0 and more */
    const struct ranges *ranges; /* RANGES; NULL: none; attribute_ranges reads it */
    char *text;                  /* TEXT, else NULL */
};

struct attributes {
    struct attribute *items;
    size_t count;
    size_t capacity;
};

void attributes_fini(struct attributes *attributes);
DEFINE_AUTO_FINI(struct attributes, attributes_fini)

/* Reads `name:value` joined by ';' into *out (replaced on success). ERROR_INVALID names the
 * character. */
bool attributes_parse(struct text text, struct attributes *out, struct error *error);

/* Adding one at the end, as it comes from the wire; the bytes are copied. */
bool attributes_add_scalar(struct attributes *attributes, struct text name, double value,
                           struct error *error);
bool attributes_add_ranges(struct attributes *attributes, struct text name,
                           const struct range *ranges, size_t count, struct error *error);
bool attributes_add_text(struct attributes *attributes, struct text name, struct text value,
                         struct error *error);

const struct range *attribute_ranges(const struct attribute *attribute, size_t *count);

/* The first of this name, or NULL. */
const struct attribute *attributes_find(const struct attributes *attributes, struct text name);
bool attributes_equal(const struct attributes *a, const struct attributes *b); /* order counts */
void attributes_print(const struct attributes *attributes, struct buf *out);
