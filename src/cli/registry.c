/*
 * mesos registry dump|restore|check|move: what the masters keep, without a master.
 */
#include "cli/cli.h"
#include "cli/query.h"
#include "cli/registry_place.h"

#include <stdio.h>
#include <string.h>

enum { READ_CHUNK_BYTES = 1 << 20 };

struct registry_options {
    bool json, force, keep;
    int64_t timeout_ms;
};

static int fail_with(const struct error *error) {
    /* ERROR_EXISTS has a code of its own for ids, which there are none of here. */
    struct error shown = *error;
    if (shown.code == ERROR_EXISTS)
        shown.code = ERROR_REFUSED;
    return cli_fail("registry", &shown);
}

/* --- dump --- */

/* `may_lack`: what is not there is empty. */
static bool read_place(const char *name, bool may_lack, const struct registry_options *options,
                       struct registry_content *out, struct error *error) {
    AUTO(registry_place_close)
    struct registry_place *place = registry_place_open(name, may_lack, options->timeout_ms, error);
    return place != NULL && registry_place_read(place, out, error);
}

/* What nobody shall build on. */
static bool check_sums(const struct registry_content *content, struct error *error) {
    if (registry_content_check_sums(content, error))
        return true;
    error->code = ERROR_REFUSED;
    return false;
}

/* A record that is damaged is in the dump as it is, for whoever wants to look at it. */
static int dump(const struct registry_options *options, const char *const *words) {
    AUTO_FINI(registry_content_fini) struct registry_content content;
    AUTO_FINI(buf_fini) struct buf line = {0};
    struct error error;
    registry_content_init(&content);
    if (!read_place(words[0], false, options, &content, &error))
        return fail_with(&error);
    for (size_t i = 0; i <= content.pairs.count; i++) {
        buf_clear(&line);
        registry_line_print(&content, i < content.pairs.count ? &content.pairs.items[i] : NULL,
                            &line);
        if (fwrite(line.data, 1, line.size, stdout) != line.size)
            return cli_fail_write("registry");
    }
    return check_sums(&content, &error) ? CLI_OK : fail_with(&error);
}

/* --- restore --- */

static bool read_dump(const char *path, struct buf *out, struct error *error) {
    bool is_stdin = path == NULL || strcmp(path, "-") == 0;
    const char *name = is_stdin ? "stdin" : path;
    FILE *file = is_stdin ? stdin : fopen(path, "re");
    if (file == NULL)
        return fail(error, ERROR_NOT_FOUND, "open %s: %m", name);
    bool ok = true;
    size_t got = 1;
    while (ok && got > 0) {
        buf_reserve(out, READ_CHUNK_BYTES);
        got = fread(out->data + out->size, 1, READ_CHUNK_BYTES, file);
        out->size += got;
        if (out->size > REGISTRY_DUMP_BYTES_LIMIT)
            ok = fail(error, ERROR_LIMIT, "%s has more than %d bytes", name,
                      REGISTRY_DUMP_BYTES_LIMIT);
    }
    if (ok && ferror(file))
        ok = fail(error, ERROR_IO, "read %s: %m", name);
    if (!is_stdin)
        fclose(file);
    return ok;
}

/* Reads it again, through a connection of its own. */
static bool verify(const char *name, const struct registry_options *options,
                   const struct registry_content *wanted, struct error *error) {
    AUTO_FINI(registry_content_fini) struct registry_content found;
    registry_content_init(&found);
    /* Nothing, written where nothing was, makes nothing. */
    if (read_place(name, true, options, &found, error) &&
        registry_content_equal(wanted, &found, error))
        return true;
    error->code = ERROR_REFUSED;
    return fail_context(error, "%s was written and does not read the same", name);
}

/* What the target holds goes only by force. */
static bool write_place(const char *name, const struct registry_options *options,
                        const struct registry_content *content, char *shown, size_t size,
                        struct error *error) {
    AUTO_FINI(registry_content_fini) struct registry_content old;
    AUTO(registry_place_close)
    struct registry_place *place = registry_place_open(name, true, options->timeout_ms, error);
    if (place == NULL)
        return false;
    registry_content_init(&old);
    snprintf(shown, size, "%s", registry_place_shown(place));
    if (!registry_place_check_idle(place, error) || !registry_place_read(place, &old, error))
        return false;
    if (old.pairs.count > 0 && !options->force)
        return fail(error, ERROR_EXISTS, "%s: %zu records are there already", shown,
                    old.pairs.count);
    return registry_place_replace(place, &old, content, error);
}

static void report(const struct registry_options *options, const char *verb,
                   const struct registry_content *content, const char *shown) {
    if (options->json)
        printf("{\"records\": %zu}\n", content->pairs.count);
    else
        printf("%zu records %s %s, and read again\n", content->pairs.count, verb, shown);
}

static int restore(const struct registry_options *options, const char *const *words) {
    AUTO_FINI(registry_content_fini) struct registry_content content;
    AUTO_FINI(buf_fini) struct buf bytes = {0};
    char shown[4096];
    struct error error;
    registry_content_init(&content);
    if (!read_dump(words[1], &bytes, &error) ||
        !registry_content_parse(buf_text(&bytes), &content, &error) ||
        !check_sums(&content, &error))
        return fail_with(&error);
    if (!write_place(words[0], options, &content, shown, sizeof(shown), &error)) {
        if (error.code == ERROR_EXISTS)
            fprintf(stderr, "mesos registry: nothing was written; --force replaces records that "
                            "are there\n");
        return fail_with(&error);
    }
    if (!verify(words[0], options, &content, &error))
        return fail_with(&error);
    report(options, "written to", &content, shown);
    return CLI_OK;
}

/* --- check --- */

static void print_check(const struct registry_content *content, const size_t *counts, size_t wrong,
                        struct buf *complaints) {
    printf("%zu records", content->pairs.count);
    for (size_t kind = 0; kind < REGISTRY_KINDS; kind++) {
        if (counts[kind] > 0)
            printf(", %zu %s", counts[kind], registry_kind_name(kind));
    }
    printf("; %zu wrong\n", wrong);
    fputs(buf_string(complaints), stdout);
}

static void print_check_json(const struct registry_content *content, const size_t *counts,
                             struct buf *complaints) {
    AUTO(json_decref) json_t *all = json_object();
    json_t *kinds = json_object(), *lines = json_array();
    struct text rest = buf_text(complaints), line;
    for (size_t kind = 0; kind < REGISTRY_KINDS; kind++) {
        if (counts[kind] > 0)
            json_object_set_new(kinds, registry_kind_name(kind),
                                json_integer((json_int_t)counts[kind]));
    }
    while (text_split(&rest, '\n', &line)) {
        if (line.size > 0)
            json_array_append_new(lines, json_stringn(line.data, line.size));
    }
    json_object_set_new(all, "records", json_integer((json_int_t)content->pairs.count));
    json_object_set_new(all, "kinds", kinds);
    json_object_set_new(all, "wrong", lines);
    query_print(all);
}

static int check(const struct registry_options *options, const char *const *words) {
    AUTO_FINI(registry_content_fini) struct registry_content content;
    AUTO_FINI(buf_fini) struct buf complaints = {0};
    size_t counts[REGISTRY_KINDS] = {0};
    struct error error;
    registry_content_init(&content);
    if (!read_place(words[0], false, options, &content, &error))
        return fail_with(&error);
    size_t wrong = registry_content_check(&content, counts, &complaints);
    if (options->json)
        print_check_json(&content, counts, &complaints);
    else
        print_check(&content, counts, wrong, &complaints);
    return wrong == 0 ? CLI_OK : CLI_FAILED;
}

/* --- move --- */

/* The source is held open, so that no master begins on it; it is emptied when the target has been
 * read again. A crash anywhere leaves the records in one of the two, or in both. */
static bool move_all(struct registry_place *from, const char *to,
                     const struct registry_options *options, struct registry_content *content,
                     char *shown, size_t size, struct error *error) {
    AUTO_FINI(registry_content_fini) struct registry_content nothing;
    registry_content_init(&nothing);
    if (!registry_place_check_idle(from, error) || !registry_place_read(from, content, error) ||
        !check_sums(content, error) || !write_place(to, options, content, shown, size, error) ||
        !verify(to, options, content, error))
        return false;
    if (options->keep)
        return true;
    return (registry_place_check_idle(from, error) &&
            registry_place_replace(from, content, &nothing, error)) ||
           fail_context(error, "%s has all records now, but the source could not be emptied",
                        shown);
}

static int move(const struct registry_options *options, const char *const *words) {
    AUTO_FINI(registry_content_fini) struct registry_content content;
    struct registry_options without_force = *options;
    char shown[4096];
    struct error error;
    without_force.force = false;
    registry_content_init(&content);
    AUTO(registry_place_close)
    struct registry_place *from = registry_place_open(words[0], false, options->timeout_ms, &error);
    if (from == NULL ||
        !move_all(from, words[1], &without_force, &content, shown, sizeof(shown), &error))
        return fail_with(&error);
    report(options, options->keep ? "copied to" : "moved to", &content, shown);
    return CLI_OK;
}

/* --- the command --- */

struct action {
    const char *name;
    size_t least, most; /* words behind it */
    const char *usage;
    int (*run)(const struct registry_options *options, const char *const *words);
};

static const struct action actions[] = {
    {"dump", 1, 1, "dump PLACE", dump},
    {"restore", 1, 2, "restore PLACE [FILE]", restore},
    {"check", 1, 1, "check PLACE", check},
    {"move", 2, 2, "move FROM TO", move},
};

static int run(const struct registry_options *options, const struct flag_arguments *arguments) {
    size_t count = arguments->words.count;
    const char *const *words = arguments->words.items;
    for (size_t i = 0; count > 0 && i < sizeof(actions) / sizeof(actions[0]); i++) {
        const struct action *action = &actions[i];
        if (strcmp(words[0], action->name) != 0)
            continue;
        if (count - 1 < action->least || count - 1 > action->most) {
            fprintf(stderr, "mesos registry: it is mesos registry %s\n", action->usage);
            return CLI_USAGE;
        }
        const char *given[2] = {words[1], count > 2 ? words[2] : NULL};
        return action->run(options, given);
    }
    fprintf(stderr, "mesos registry: dump, restore, check or move is wanted first; see mesos "
                    "registry --help\n");
    return CLI_USAGE;
}

int cli_registry(int argc, char **argv) {
    struct registry_options options = {0};
    const struct flag flags[] = {
        {.name = "json",
         .kind = FLAG_BOOL,
         .boolean = &options.json,
         .help = "Print JSON, for programs. (A dump is always JSON, a record a line.)"},
        {.name = "force",
         .kind = FLAG_BOOL,
         .boolean = &options.force,
         .help = "restore: replace the records that are there already."},
        {.name = "keep",
         .kind = FLAG_BOOL,
         .boolean = &options.keep,
         .help = "move: leave the records in FROM, too."},
        {.name = "timeout",
         .kind = FLAG_DURATION,
         .duration_ms = &options.timeout_ms,
         .preset = "30secs",
         .minimum = 1,
         .help = "How long ZooKeeper may be silent."},
    };
    struct flag_table table = {
        .program = "mesos registry",
        .usage = "dump PLACE | restore PLACE [FILE] | check PLACE | move FROM TO",
        .summary = "What masters keep: written out, put back, checked, or moved between one "
                   "master alone and several. A place is a master's --work_dir, or the "
                   "zk://h1:2181,h2:2181/path (or file:///path of a file with that) of --zk.",
        .version = MESOS_VERSION,
        .environment_prefix = "MESOS_REGISTRY_",
        .flags = flags,
        .count = sizeof(flags) / sizeof(flags[0]),
        .takes_arguments = true};
    struct flag_arguments arguments = {0};
    int exit_code = CLI_OK;
    if (!cli_parse(&table, argc, argv, &arguments, &exit_code))
        return exit_code;
    exit_code = run(&options, &arguments);
    flags_fini(&table, &arguments);
    return exit_code;
}
