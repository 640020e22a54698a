/*
 * What the three drivers check and copy of what they are given.
 */
#include "common/base/mem.h"
#include "common/runtime/address.h"
#include "common/runtime/random.h"
#include "lib/core/dialer.h"
#include "lib/shell/driver.h"
#include "zookeeper/core/zk_url.h"

#include <stdio.h>

#define VERSION_TEXT_(major, minor, patch) #major "." #minor "." #patch
#define VERSION_TEXT(major, minor, patch) VERSION_TEXT_(major, minor, patch)

const char *mesos_version(void) {
    return VERSION_TEXT(MESOS_VERSION_MAJOR, MESOS_VERSION_MINOR, MESOS_VERSION_PATCH);
}

void driver_copy_sized(void *into, size_t into_size, const void *from) {
    size_t from_size;
    memcpy(&from_size, from, sizeof(from_size));
    memset(into, 0, into_size);
    memcpy(into, from, from_size < into_size ? from_size : into_size);
}

bool driver_check_masters(const char *masters, struct error *error) {
    struct text rest = text_of(masters), part;
    size_t count = 0;
    if (masters == NULL)
        return fail(error, ERROR_INVALID, "no master is given");
    if (zk_url_is(rest))
        return true; /* driver_find_master says what is wrong with it */
    while (text_split(&rest, ',', &part)) {
        struct address address;
        part = text_trim(part);
        if (part.size == 0)
            continue;
        if (!address_parse(part, 5050, &address, error))
            return fail_context(error, "master '%.*s'", TEXT_ARGS(part));
        count++;
    }
    if (count == 0 || count > DIALER_ADDRESSES_LIMIT)
        return fail(error, ERROR_INVALID, "'%s' names %zu masters; 1 to %d are possible", masters,
                    count, (int)DIALER_ADDRESSES_LIMIT);
    return true;
}

uint64_t driver_seed(void) {
    struct rng rng = random_rng();
    return rng_next(&rng);
}

void driver_give_error(struct mesos_error *out, const struct error *error) {
    if (out != NULL)
        snprintf(out->message, sizeof(out->message), "%s", error->message);
}
