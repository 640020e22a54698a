#include "cli/registry_place.h"

#include "cli/registry_zk.h"
#include "common/base/mem.h"
#include "common/runtime/files.h"
#include "common/runtime/loop.h"
#include "common/storage/storage.h"
#include "zookeeper/core/zk_url.h"
#include "zookeeper/shell/zk_url_file.h"

#include <stdio.h>
#include <unistd.h>

struct registry_place {
    char *shown;
    struct loop *loop;
    struct storage *storage; /* or */
    struct registry_zk *zk;
    bool makes, is_stored;
    struct error trouble;
    int64_t timeout_ms;
};

/* --- a work_dir --- */

static void on_stored(void *self, __attribute__((unused)) uint64_t ticket) {
    struct registry_place *place = self;
    place->is_stored = true;
}

static void on_trouble(void *self, const struct error *error) {
    struct registry_place *place = self;
    place->trouble = error != NULL ? *error : (struct error){0};
}

static bool open_storage(struct registry_place *place, const char *work_dir, struct error *error) {
    char directory[4096], file[4200];
    snprintf(directory, sizeof(directory), "%s/registry", work_dir);
    snprintf(file, sizeof(file), "%s/state.mdb", directory);
    place->shown = mem_dup_string(directory);
    if (!place->makes && access(file, F_OK) != 0)
        return fail(error, ERROR_NOT_FOUND, "%s: there is no registry", work_dir);
    struct storage_options options = {
        .directory = directory, .on_stored = on_stored, .on_trouble = on_trouble, .self = place};
    place->storage = storage_open(place->loop, &options, error);
    if (place->storage != NULL)
        return true;
    if (error->code == ERROR_EXISTS)
        return fail(error, ERROR_REFUSED, "%s: a master runs on it; end it first", work_dir);
    if (error->code == ERROR_INVALID || error->code == ERROR_IO)
        error->code = ERROR_REFUSED; /* neither the command line nor a network is wrong */
    return false;
}

static bool replace_storage(struct registry_place *place, const struct registry_content *old,
                            const struct registry_content *content, struct error *error) {
    VEC_EACH(pair, &old->pairs) {
        if (!registry_content_has(content, pair->key))
            storage_remove(place->storage, pair->key);
    }
    VEC_EACH(pair, &content->pairs)
        storage_put(place->storage, pair->key, pair->value);
    storage_commit(place->storage, 1);
    while (!place->is_stored && place->trouble.code == ERROR_NONE)
        loop_turn(place->loop, -1);
    if (place->is_stored)
        return true;
    *error = place->trouble;
    return false;
}

/* --- ZooKeeper --- */

static bool open_zookeeper(struct registry_place *place, const char *name, struct error *error) {
    AUTO_FINI(zk_url_fini) struct zk_url url = {0};
    if (!zk_url_read(text_of(name), &url, error))
        return false;
    place->shown = mem_dup_string(url.shown);
    place->zk = registry_zk_open(place->loop, &url, place->timeout_ms, error);
    return place->zk != NULL || fail_context(error, "%s", place->shown);
}

/* A path that was mistyped is not an empty registry. */
static bool read_zookeeper(struct registry_place *place, struct registry_content *out,
                           struct error *error) {
    return registry_zk_read(place->zk, out, error) &&
           (place->makes || registry_zk_is_there(place->zk) ||
            fail(error, ERROR_NOT_FOUND, "there is no registry"));
}

/* --- both --- */

struct registry_place *registry_place_open(const char *name, bool makes, int64_t timeout_ms,
                                           struct error *error) {
    AUTO(registry_place_close) struct registry_place *place = NEW(struct registry_place);
    place->makes = makes;
    place->timeout_ms = timeout_ms;
    place->loop = loop_new(error);
    if (place->loop == NULL)
        return NULL;
    bool ok = zk_url_is(text_of(name)) ? open_zookeeper(place, name, error)
                                       : open_storage(place, name, error);
    return ok ? TAKE(place) : NULL;
}

void registry_place_close(struct registry_place *place) {
    if (place == NULL)
        return;
    storage_close(place->storage);
    registry_zk_close(place->zk);
    loop_free(place->loop);
    mem_free(place->shown);
    mem_free(place);
}

const char *registry_place_shown(const struct registry_place *place) {
    return place->shown;
}

bool registry_place_read(struct registry_place *place, struct registry_content *out,
                         struct error *error) {
    bool ok = place->zk != NULL ? read_zookeeper(place, out, error)
                                : storage_load(place->storage, registry_content_add, out, error);
    if (ok && registry_content_sort(out, error))
        return true;
    if (error->code == ERROR_INVALID)
        error->code = ERROR_REFUSED; /* it is not the command line that is wrong */
    return place->zk == NULL ? false : fail_context(error, "%s", place->shown);
}

bool registry_place_check_idle(struct registry_place *place, struct error *error) {
    if (place->zk == NULL || registry_zk_check_idle(place->zk, error))
        return true;
    return fail_context(error, "%s", place->shown);
}

bool registry_place_replace(struct registry_place *place, const struct registry_content *old,
                            const struct registry_content *content, struct error *error) {
    bool ok = place->zk != NULL ? registry_zk_replace(place->zk, old, content, error)
                                : replace_storage(place, old, content, error);
    return ok || fail_context(error, "%s", place->shown);
}
