/*
 * Flags of a program as one table: parsing, environment, defaults, --help and --version come from
 * it.
 *
 *     struct options { char *work_dir; bool quiet; int64_t port; int64_t ping_ms; } o = {0};
 *     const struct flag flags[] = {
 *         {"work_dir", FLAG_STRING, .string = &o.work_dir, .preset = "/var/lib/mesos", .help =
 * "..."},
 *         {"quiet", FLAG_BOOL, .boolean = &o.quiet, .help = "..."},
 *         {"port", FLAG_INTEGER, .integer = &o.port, .preset = "5050", .minimum = 0, .maximum =
 * 65535, ...},
 *     };
 *
 * --name=value or --name value; --name and --no-name for booleans; MESOS_NAME in the environment,
 * which the command line overrules and of which unknown names are ignored; file:///path gives the
 * content of a file, for strings. '-' and '_' are the same in a name. "--" ends the flags.
 */
#pragma once

#include "common/base/auto.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/vec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FLAG_FILE_LIMIT_BYTES = 1 << 20 };

enum flag_kind {
    FLAG_STRING, /* char *, on the heap; flags_fini frees it */
    FLAG_BOOL,
    FLAG_INTEGER,  /* within minimum and maximum, unless both are 0 */
    FLAG_DOUBLE,   /* likewise */
    FLAG_DURATION, /* "10secs" into milliseconds, rounded up; at least minimum, in ms */
    FLAG_BYTES,    /* "4KB" into bytes */
    FLAG_STRINGS,  /* may be given again, each adds one; flags_fini frees them */
};

/* Heap strings in the order given. */
struct flag_strings {
    VEC_OF(char *) items;
};

struct flag {
    const char *name; /* with underscores */
    enum flag_kind kind;
    union { /* where the value goes */
        char **string;
        bool *boolean;
        int64_t *integer;
        double *number;
        int64_t *duration_ms;
        uint64_t *bytes;
        struct flag_strings *strings;
    };
    const char *preset; /* read as if given; NULL: the variable stays as it is */
    const char *help;
    const char *group;   /* a heading of --help; NULL: that of the flag before */
    const char *alias;   /* the deprecated name, or NULL */
    const char *metavar; /* NULL: by kind */
    int64_t minimum, maximum;
    bool (*check)(const char *value,
                  struct error *error); /* for strings with a syntax; NULL: none */
    bool is_required;
    char letter; /* a short form, "-P"; 0: none */
};

struct flag_table {
    const char *program; /* "mesos-master" */
    const char *usage;   /* "[flags] -- COMMAND"; NULL: "[flags]" */
    const char *summary; /* a paragraph for --help */
    const char *version;
    const char *environment_prefix; /* "MESOS_"; NULL: the environment is not read */
    const struct flag *flags;
    size_t count;
    bool takes_arguments;   /* words without a dash are allowed */
    bool stops_at_argument; /* the first such word ends the flags: run CMD --its-own-flag */
};

enum flags_outcome { FLAGS_RUN, FLAGS_HELP, FLAGS_VERSION, FLAGS_WRONG };

struct flag_arguments {
    VEC_OF(const char *) words;    /* borrowed from argv */
    VEC_OF(const char *) warnings; /* heap: deprecated names that were used */
};

/* argv without its first word. `environment` as in environ(7), NULL for none. On FLAGS_WRONG *error
 * has one clear line; after FLAGS_HELP and FLAGS_VERSION the variables mean nothing, but flags_fini
 * is still due. */
enum flags_outcome flags_parse(const struct flag_table *table, int argc, char *const *argv,
                               char *const *environment, struct flag_arguments *out,
                               struct error *error);
/* Frees strings of the table and what flags_parse put into *arguments (may be NULL). */
void flags_fini(const struct flag_table *table, struct flag_arguments *arguments);

void flags_print_help(const struct flag_table *table, size_t width_columns, struct buf *out);
void flags_print_version(const struct flag_table *table, struct buf *out);
size_t flags_terminal_width(int fd); /* columns; 80 when fd is no terminal */

/* What a daemon's main does first: parses, prints help or version to stdout, one error line to
 * stderr. False: end with *exit_code. */
bool flags_main(const struct flag_table *table, int argc, char **argv,
                struct flag_arguments *arguments, int *exit_code);

/* The value of every flag as text, in table order, for /flags and the log: {name, value} pairs. */
void flags_each(const struct flag_table *table,
                void (*fn)(void *self, const char *name, const char *value), void *self);
