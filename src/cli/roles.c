/*
 * mesos roles: the tree of roles with weights and quota. mesos role set: changes them.
 */
#include "cli/cli.h"
#include "cli/query.h"
#include "cli/table.h"
#include "common/base/buf.h"
#include "common/base/units.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- mesos roles --- */

/* The role's QuotaConfig; NULL: it has none. Borrowed. */
static json_t *find_quota(const json_t *quota, const char *role) {
    size_t index;
    json_t *config;
    json_array_foreach(query_at(quota, "status.configs"), index, config) {
        if (strcmp(query_string(config, "role"), role) == 0)
            return config;
    }
    return NULL;
}

static void print_amounts(const json_t *amounts, struct buf *out) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)amounts, name, value)
        buf_printf(out, "%s%s:%.12g", out->size > 0 ? ";" : "", name,
                   json_number_value(query_at(value, "value")));
    if (out->size == 0)
        buf_append_byte(out, '-');
}

/* They stand right behind their role. */
static size_t count_frameworks(const json_t *standings, size_t role) {
    size_t count = 0;
    while (query_at(json_array_get(standings, role + 1 + count), "framework_id") != NULL)
        count++;
    return count;
}

static void print_roles(const json_t *shares, const json_t *quota) {
    static const char *const headings[] = {"ROLE",      "WEIGHT", "FAIR-SHARE", "SHARE",
                                           "GUARANTEE", "LIMIT",  "FRAMEWORKS", NULL};
    AUTO(table_free) struct table *table = table_new(headings);
    json_t *standings = query_at(shares, "standings"), *standing;
    size_t index;
    json_array_foreach(standings, index, standing) {
        AUTO_FINI(buf_fini) struct buf guarantee = {0}, limit = {0};
        if (query_at(standing, "framework_id") != NULL)
            continue;
        const char *role = query_string(standing, "role");
        const json_t *config = find_quota(quota, role);
        print_amounts(query_at(config, "guarantees"), &guarantee);
        print_amounts(query_at(config, "limits"), &limit);
        table_cell(table, "%s", role);
        table_cell(table, "%.10g", json_number_value(query_at(standing, "weight")));
        if (query_at(standing, "guaranteed_share") == NULL)
            table_cell(table, "-");
        else
            table_cell(table, "%.1f%%",
                       100 * json_number_value(query_at(standing, "guaranteed_share")));
        table_cell(table, "%.1f%%", 100 * json_number_value(query_at(standing, "share")));
        table_cell(table, "%s", buf_string(&guarantee));
        table_cell(table, "%s", buf_string(&limit));
        table_cell(table, "%zu", count_frameworks(standings, index));
    }
    table_print(table, stdout);
    if (query_at(shares, "left_out") != NULL)
        printf("and %lld deeper roles, which the master does not list\n",
               (long long)json_integer_value(query_at(shares, "left_out")));
}

static int list_roles(const struct cli_common *common, const struct flag_arguments *arguments) {
    AUTO(json_decref) json_t *shares = NULL, *quota = NULL;
    struct error error;
    (void)arguments;
    if (!query_get(common->master, "GET_SHARES", &shares, &error) ||
        !query_get(common->master, "GET_QUOTA", &quota, &error))
        return cli_fail("roles", &error);
    if (common->json) {
        AUTO(json_decref) json_t *both = json_pack("{s:O,s:O}", "shares", shares, "quota", quota);
        query_print(both);
    } else {
        print_roles(shares, quota);
    }
    return CLI_OK;
}

int cli_roles(int argc, char **argv) {
    static const struct cli_simple command = {
        .name = "roles",
        .summary = "Lists roles that have frameworks, a weight or quota.",
        .body = list_roles};
    return cli_run_simple(&command, argc, argv);
}

/* --- mesos role set --- */

struct setting {
    struct cli_common common;
    char *weight, *limit, *guarantee;
    bool force;
};

/* "cpus=100,mem=2048" or "cpus:100;mem:2048" into {"cpus": {"value": 100}, ...}; "none": {}. NULL
 * with the fault. The caller's. */
static json_t *parse_amounts(const char *flag, const char *words, struct error *error) {
    AUTO(json_decref) json_t *amounts = json_object();
    const char *at = words;
    if (strcmp(words, "none") == 0)
        return json_incref(amounts);
    if (words[0] == '\0') {
        fail(error, ERROR_INVALID, "--%s is empty; none takes all away", flag);
        return NULL;
    }
    while (*at != '\0') {
        size_t name_size = strcspn(at, "=:");
        char name[256], *end;
        if (at[name_size] == '\0' || name_size == 0 || name_size >= sizeof(name)) {
            fail(error, ERROR_INVALID, "--%s: '%s' is not like cpus=100,mem=2048", flag, words);
            return NULL;
        }
        memcpy(name, at, name_size);
        name[name_size] = '\0';
        errno = 0;
        double value = strtod(at + name_size + 1, &end);
        if (end == at + name_size + 1 || errno != 0 || !isfinite(value) || value < 0 ||
            (*end != '\0' && *end != ',' && *end != ';')) {
            fail(error, ERROR_INVALID, "--%s: '%s' has no amount from 0 up at '%s'", flag, words,
                 at);
            return NULL;
        }
        if (json_object_get(amounts, name) != NULL) {
            fail(error, ERROR_INVALID, "--%s: %s is given twice", flag, name);
            return NULL;
        }
        json_object_set_new(amounts, name, json_pack("{s:f}", "value", value));
        at = *end != '\0' ? end + 1 : end;
    }
    return json_incref(amounts);
}

static bool check_amounts(const char *flag, const char *words, struct error *error) {
    AUTO(json_decref) json_t *amounts = words != NULL ? parse_amounts(flag, words, error) : NULL;
    return words == NULL || amounts != NULL;
}

/* What is said replaces; what is not said stays as the master has it. */
static bool set_quota(const struct setting *setting, const char *role, struct error *error) {
    AUTO(json_decref) json_t *quota = NULL, *limits = NULL, *guarantees = NULL;
    if (!query_get(setting->common.master, "GET_QUOTA", &quota, error))
        return false;
    const json_t *now = find_quota(quota, role);
    json_t *old_limits = query_at(now, "limits"), *old_guarantees = query_at(now, "guarantees");
    limits = setting->limit != NULL ? parse_amounts("limit", setting->limit, error)
             : old_limits != NULL   ? json_incref(old_limits)
                                    : json_object();
    if (limits == NULL)
        return false;
    guarantees = setting->guarantee != NULL ? parse_amounts("guarantee", setting->guarantee, error)
                 : old_guarantees != NULL   ? json_incref(old_guarantees)
                                            : json_object();
    if (guarantees == NULL)
        return false;
    json_t *config =
        json_pack("{s:s,s:O,s:O}", "role", role, "limits", limits, "guarantees", guarantees);
    json_t *update = json_pack("{s:b,s:[o]}", "force", setting->force, "quota_configs", config);
    return query_repeat(setting->common.master, "UPDATE_QUOTA",
                        json_pack("{s:o}", "update_quota", update), NULL, error);
}

static bool set_weight(const struct setting *setting, const char *role, struct error *error) {
    char *end;
    errno = 0;
    double weight = strtod(setting->weight, &end);
    if (end == setting->weight || *end != '\0' || errno != 0 || !(weight >= 0.001) ||
        !(weight <= 1000000))
        return fail(error, ERROR_INVALID, "--weight: '%s' is not a number from 0.001 to 1000000",
                    setting->weight);
    json_t *update = json_pack("{s:[{s:s,s:f}]}", "weight_infos", "role", role, "weight", weight);
    return query_repeat(setting->common.master, "UPDATE_WEIGHTS",
                        json_pack("{s:o}", "update_weights", update), NULL, error);
}

/* Amounts are parsed before anything is changed. */
static bool set_all(const struct setting *setting, const char *role, struct error *error) {
    bool has_quota = setting->limit != NULL || setting->guarantee != NULL;
    if (!has_quota && setting->weight == NULL)
        return fail(error, ERROR_INVALID, "one of --weight, --limit and --guarantee is wanted");
    if (!check_amounts("limit", setting->limit, error) ||
        !check_amounts("guarantee", setting->guarantee, error))
        return false;
    if (setting->weight != NULL && !set_weight(setting, role, error))
        return false;
    return !has_quota || set_quota(setting, role, error);
}

static int set_role(const struct setting *setting, const struct flag_arguments *arguments) {
    struct error error;
    size_t words = arguments->words.count;
    if (words == 0 || strcmp(arguments->words.items[0], "set") != 0) {
        fprintf(stderr, "mesos role: 'set' is wanted first: mesos role set eng --weight 2\n");
        return CLI_USAGE;
    }
    if (words != 2) {
        fprintf(stderr, "mesos role set: one role is wanted, %zu are given\n", words - 1);
        return CLI_USAGE;
    }
    const char *role = arguments->words.items[1];
    if (!set_all(setting, role, &error))
        return cli_fail("role set", &error);
    if (setting->common.json)
        printf("{}\n");
    else
        printf("role %s is set; mesos roles shows it\n", role);
    return CLI_OK;
}

int cli_role(int argc, char **argv) {
    struct setting setting = {0};
    const struct flag flags[] = {
        CLI_FLAG_MASTER(&setting.common),
        CLI_FLAG_JSON(&setting.common),
        {.name = "weight",
         .kind = FLAG_STRING,
         .string = &setting.weight,
         .metavar = "NUMBER",
         .help = "Its part among its siblings, from 0.001 to 1000000; 1 is what a role has unless "
                 "said."},
        {.name = "limit",
         .kind = FLAG_STRING,
         .string = &setting.limit,
         .metavar = "NAME=AMOUNT,...",
         .help = "What it and all below it never have more of: cpus=100,mem=204800. Replaces all "
                 "its limits; none: no limits."},
        {.name = "guarantee",
         .kind = FLAG_STRING,
         .string = &setting.guarantee,
         .metavar = "NAME=AMOUNT,...",
         .help = "What is kept free for it until it has it. Replaces all its guarantees; none: no "
                 "guarantees."},
        {.name = "force",
         .kind = FLAG_BOOL,
         .boolean = &setting.force,
         .help = "Set quota that cannot be met now, or that is exceeded already."},
    };
    struct flag_table table = {.program = "mesos role",
                               .usage = "set ROLE [flags]",
                               .summary = "Gives a role a weight, limits and guarantees. They are "
                                          "kept by the master.",
                               .version = MESOS_VERSION,
                               .environment_prefix = "MESOS_",
                               .flags = flags,
                               .count = sizeof(flags) / sizeof(flags[0]),
                               .takes_arguments = true};
    struct flag_arguments arguments = {0};
    int exit_code = CLI_OK;
    if (!cli_parse(&table, argc, argv, &arguments, &exit_code))
        return exit_code;
    exit_code = set_role(&setting, &arguments);
    flags_fini(&table, &arguments);
    return exit_code;
}
