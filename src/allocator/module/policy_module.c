#include "allocator/module/policy_module.h"

#include "allocator/allocator.h"

#include <dlfcn.h>
#include <string.h>

static const char symbol[] = "mesos_allocator";

/* dlopen would look for a bare name in the system's folders, and find something else or nothing. */
static bool check_path(const char *path, struct error *error) {
    if (strchr(path, '/') != NULL)
        return true;
    return fail(
        error, ERROR_INVALID,
        "allocator '%s' is none of hdrf, drf, random; for a shared object in this directory "
        "write ./%s",
        path, path);
}

/* The loader's line names the file already, but not whose it is. */
static bool open_object(const char *path, void **object, struct error *error) {
    *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (*object != NULL)
        return true;
    const char *why = dlerror();
    return fail(error, ERROR_IO, "allocator module: %s", why != NULL ? why : path);
}

static bool read_policy(const char *path, void *object, const struct mesos_allocator **out,
                        struct error *error) {
    /* ISO C knows no way from a pointer to a function; POSIX promises that they are alike. */
    mesos_allocator_export *export;
    void *found = dlsym(object, symbol);
    if (found == NULL)
        return fail(error, ERROR_INVALID,
                    "allocator module %s: it exports no function %s (see mesos/allocator.h)", path,
                    symbol);
    memcpy(&export, &found, sizeof(export));
    *out = export();
    return allocator_check_policy(*out, error) || fail_context(error, "allocator module %s", path);
}

bool policy_module_load(const char *path, const struct mesos_allocator **out, struct error *error) {
    void *object = NULL;
    const struct mesos_allocator *policy = NULL;
    if (!check_path(path, error) || !open_object(path, &object, error))
        return false;
    if (!read_policy(path, object, &policy, error)) {
        dlclose(object);
        return false;
    }
    *out = policy;
    return true;
}
