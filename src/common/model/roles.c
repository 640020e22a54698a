#include "common/model/roles.h"

#include <stddef.h>

static bool refuse(const char **why, const char *reason) {
    if (why != NULL)
        *why = reason;
    return false;
}

static bool is_forbidden_byte(char byte) {
    return (byte >= '\t' && byte <= '\r') || byte == ' ' || byte == 0x7f || byte == '\0';
}

static bool component_is_valid(struct text part, const char **why) {
    if (part.size == 0)
        return refuse(why, "begins or ends with a slash, or has two together");
    if (text_equal(part, TEXT(".")) || text_equal(part, TEXT("..")))
        return refuse(why, "has a component . or ..");
    if (text_equal(part, TEXT("*")))
        return refuse(why, "has * as a component");
    if (part.data[0] == '-')
        return refuse(why, "has a component that begins with -");
    for (size_t i = 0; i < part.size; i++) {
        if (is_forbidden_byte(part.data[i]))
            return refuse(why, "has a space or a control character");
    }
    return true;
}

bool role_is_valid(struct text role, const char **why) {
    if (role.size == 0)
        return refuse(why, "is empty");
    if (role.size > ROLE_BYTES_LIMIT)
        return refuse(why, "has more than 1024 bytes");
    if (text_equal(role, TEXT("*")))
        return true;
    if (!text_is_utf8(role))
        return refuse(why, "is not UTF-8");

    struct text rest = role, part;
    for (size_t count = 1; text_split(&rest, '/', &part); count++) {
        if (!component_is_valid(part, why))
            return false;
        if (count > ROLE_COMPONENTS_LIMIT)
            return refuse(why, "has more than 64 components");
    }
    return true;
}

bool role_is_strict_subrole(struct text role, struct text above) {
    return role.size > above.size && above.size > 0 && text_starts_with(role, above) &&
           role.data[above.size] == '/';
}

struct text role_parent(struct text role) {
    for (size_t size = role.size; size > 0; size--) {
        if (role.data[size - 1] == '/')
            return text_sub(role, 0, size - 1);
    }
    return (struct text){0};
}

bool role_may_use_reservation(struct text role, struct text reserved) {
    return text_equal(role, reserved) || role_is_strict_subrole(role, reserved);
}
