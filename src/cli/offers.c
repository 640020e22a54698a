/*
 * mesos offers: what is offered to whom at this moment, and for how long.
 */
#include "cli/cli.h"
#include "cli/query.h"
#include "cli/table.h"
#include "cli/when.h"
#include "common/base/buf.h"

static void cell_span(struct table *table, const json_t *entry, const char *key) {
    char span[WHEN_SIZE];
    if (query_at(entry, key) == NULL) {
        table_cell(table, "-");
        return;
    }
    when_print_span((int64_t)(json_number_value(query_at(entry, key)) * 1e9), span);
    table_cell(table, "%s", span);
}

static void print_table(json_t *entries) {
    static const char *const headings[] = {"ID",        "FRAMEWORK", "ROLE",    "AGENT",
                                           "RESOURCES", "AGE",       "ENDS-IN", NULL};
    AUTO(table_free) struct table *table = table_new(headings);
    size_t index;
    json_t *entry;
    json_array_foreach(entries, index, entry) {
        AUTO_FINI(buf_fini) struct buf resources = {0};
        query_resources(query_at(entry, "offer.resources"), &resources);
        table_cell(table, "%s", query_string(entry, "offer.id.value"));
        table_cell(table, "%s", query_string(entry, "framework_name"));
        table_cell(table, "%s", query_string(entry, "role"));
        table_cell(table, "%s", query_string(entry, "offer.hostname"));
        table_cell(table, "%s", resources.size > 0 ? buf_string(&resources) : "-");
        cell_span(table, entry, "age_seconds");
        cell_span(table, entry, "seconds_left");
    }
    table_print(table, stdout);
}

static int list_offers(const struct cli_common *common, const struct flag_arguments *arguments) {
    AUTO(json_decref) json_t *answer = NULL;
    struct error error;
    (void)arguments;
    if (!query_get(common->master, "GET_OFFERS", &answer, &error))
        return cli_fail("offers", &error);
    json_t *entries = query_at(answer, "entries");
    if (!common->json)
        print_table(entries);
    else if (entries != NULL)
        query_print(entries);
    else
        printf("[]\n");
    return CLI_OK;
}

int cli_offers(int argc, char **argv) {
    static const struct cli_simple command = {
        .name = "offers", .summary = "Lists the offers that are out.", .body = list_offers};
    return cli_run_simple(&command, argc, argv);
}
