/*
 * mesos share [ROLE]: how roles and their frameworks stand: what weights give them, what they have,
 * who borrows, who lends, who is next.
 */
#include "cli/cli.h"
#include "cli/query.h"
#include "cli/table.h"
#include "cli/when.h"
#include "common/base/buf.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { WATCH_INTERVAL_MS = 1000 };

static bool is_below(const char *role, const char *root) {
    size_t size = strlen(root);
    return size == 0 ||
           (strncmp(role, root, size) == 0 && (role[size] == '\0' || role[size] == '/'));
}

static double number(const json_t *standing, const char *key) {
    return json_number_value(query_at(standing, key));
}

static void cell_percent(struct table *table, const json_t *standing, const char *key) {
    if (query_at(standing, key) == NULL)
        table_cell(table, "-");
    else
        table_cell(table, "%.1f%%", 100 * number(standing, key));
}

static void cell_debt(struct table *table, const json_t *standing) {
    if (number(standing, "borrows") > 0)
        table_cell(table, "borrows %.1f%%", 100 * number(standing, "borrows"));
    else if (number(standing, "lends") > 0)
        table_cell(table, "lends %.1f%%", 100 * number(standing, "lends"));
    else
        table_cell(table, "-");
}

static void print_held(const json_t *standing, struct buf *out) {
    size_t index;
    json_t *amount;
    json_array_foreach(query_at(standing, "held"), index, amount)
        buf_printf(out, "%s%s:%.12g", out->size > 0 ? ";" : "", query_string(amount, "name"),
                   json_number_value(query_at(amount, "value")));
    if (out->size == 0)
        buf_append_byte(out, '-');
}

static void print_row(struct table *table, const json_t *standing) {
    AUTO_FINI(buf_fini) struct buf held = {0};
    bool is_framework = query_at(standing, "framework_id") != NULL;
    const char *dominant = query_string(standing, "dominant_resource");
    print_held(standing, &held);
    table_cell(table, "%s%s", is_framework ? "  " : "",
               is_framework ? query_string(standing, "framework_name")
                            : query_string(standing, "role"));
    table_cell(table, "%.10g", number(standing, "weight"));
    cell_percent(table, standing, "guaranteed_share");
    cell_percent(table, standing, "share");
    table_cell(table, "%s", dominant[0] != '\0' ? dominant : "-");
    cell_debt(table, standing);
    table_cell(table, "%s%s", json_is_true(query_at(standing, "wants")) ? "yes" : "no",
               json_is_true(query_at(standing, "is_next")) ? ", next" : "");
    table_cell(table, "%s", buf_string(&held));
}

static void print_earmarks(const json_t *answer, const char *root) {
    size_t index;
    json_t *earmark;
    json_array_foreach(query_at(answer, "earmarks"), index, earmark) {
        if (!is_below(query_string(earmark, "role"), root))
            continue;
        char left[WHEN_SIZE];
        when_print_span((int64_t)(number(earmark, "seconds_left") * 1e9), left);
        print_clean(stdout,
                    "what is freed on %s is kept for a waiting task of role %s, for %s at most\n",
                    query_string(earmark, "hostname"), query_string(earmark, "role"), left);
    }
}

static bool print_shares(const json_t *answer, const char *root, struct error *error) {
    static const char *const headings[] = {"ROLE",    "WEIGHT", "GUARANTEED", "HAS", "DOMINANT",
                                           "BALANCE", "WANTS",  "HOLDS",      NULL};
    AUTO(table_free) struct table *table = table_new(headings);
    size_t index, shown = 0;
    json_t *standing;
    json_array_foreach(query_at(answer, "standings"), index, standing) {
        if (!is_below(query_string(standing, "role"), root))
            continue;
        print_row(table, standing);
        shown++;
    }
    if (shown == 0 && root[0] != '\0')
        return fail(error, ERROR_NOT_FOUND,
                    "nobody is in role '%s', and it has no weight and no quota", root);
    table_print(table, stdout);
    if (query_at(answer, "left_out") != NULL)
        printf("and %lld deeper roles, which the master does not list\n",
               (long long)json_integer_value(query_at(answer, "left_out")));
    print_earmarks(answer, root);
    return true;
}

static int show_once(const struct cli_common *common, const char *root) {
    AUTO(json_decref) json_t *answer = NULL;
    struct error error;
    if (!query_get(common->master, "GET_SHARES", &answer, &error))
        return cli_fail("share", &error);
    if (common->json)
        query_print(answer);
    else if (!print_shares(answer, root, &error))
        return cli_fail("share", &error);
    return CLI_OK;
}

static int watch(const struct cli_common *common, const char *root) {
    for (;;) {
        char now[WHEN_SIZE];
        when_print(when_now_ns(), now);
        if (!common->json)
            printf("%s%s\n", isatty(STDOUT_FILENO) ? "\033[H\033[2J" : "", now);
        int exit_code = show_once(common, root);
        if (exit_code != CLI_OK)
            return exit_code;
        errno = 0;
        if (fflush(stdout) != 0)
            return cli_fail_write("share");
        poll(NULL, 0, WATCH_INTERVAL_MS);
    }
}

int cli_share(int argc, char **argv) {
    struct cli_common common = {0};
    bool watches = false;
    const struct flag flags[] = {
        CLI_FLAG_MASTER(&common),
        CLI_FLAG_JSON(&common),
        {.name = "watch",
         .kind = FLAG_BOOL,
         .boolean = &watches,
         .help = "Show it again every second, until it is stopped."},
    };
    struct flag_table table = {.program = "mesos share",
                               .usage = "[ROLE] [flags]",
                               .summary = "Shows how roles and frameworks stand: what their "
                                          "weights guarantee, what they have, who borrows.",
                               .version = MESOS_VERSION,
                               .environment_prefix = "MESOS_",
                               .flags = flags,
                               .count = sizeof(flags) / sizeof(flags[0]),
                               .takes_arguments = true};
    struct flag_arguments arguments = {0};
    int exit_code = CLI_OK;
    if (!cli_parse(&table, argc, argv, &arguments, &exit_code))
        return exit_code;
    if (arguments.words.count > 1) {
        fprintf(stderr, "mesos share: at most one role is wanted\n");
        exit_code = CLI_USAGE;
    } else {
        const char *root = arguments.words.count == 1 ? arguments.words.items[0] : "";
        exit_code = watches ? watch(&common, root) : show_once(&common, root);
    }
    flags_fini(&table, &arguments);
    return exit_code;
}
