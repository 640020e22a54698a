#include "common/model/ids.h"

#include <stddef.h>

static bool refuse(const char **why, const char *reason) {
    if (why != NULL)
        *why = reason;
    return false;
}

bool id_is_valid(struct text id, const char **why) {
    if (id.size == 0)
        return refuse(why, "is empty");
    if (id.size > ID_BYTES_LIMIT)
        return refuse(why, "has more than 255 bytes");
    if (text_equal(id, TEXT(".")) || text_equal(id, TEXT("..")))
        return refuse(why, "is . or ..");
    for (size_t i = 0; i < id.size; i++) {
        unsigned char byte = (unsigned char)id.data[i];
        if (byte < 0x20 || byte == 0x7f)
            return refuse(why, "has a control character");
        if (byte == '/' || byte == '\\')
            return refuse(why, "has a slash");
    }
    if (!text_is_utf8(id))
        return refuse(why, "is not UTF-8");
    return true;
}
