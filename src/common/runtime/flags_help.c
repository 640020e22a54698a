/*
 * --help: headings, one column of names, one of words wrapped at the width of the terminal.
 */
#include "common/runtime/flags.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { NAME_COLUMNS = 30, NARROWEST = 50, WIDEST = 110 };

static const char *metavar(const struct flag *flag) {
    if (flag->metavar != NULL)
        return flag->metavar;
    switch (flag->kind) {
    case FLAG_STRING:
    case FLAG_STRINGS: return "TEXT";
    case FLAG_BOOL: return "";
    case FLAG_INTEGER:
    case FLAG_DOUBLE: return "N";
    case FLAG_DURATION: return "TIME";
    case FLAG_BYTES: return "SIZE";
    }
    return "";
}

/* Words of `text` from `column` on, the following lines indented. */
static void wrap(struct buf *out, struct text text, size_t column, size_t indent, size_t width) {
    struct text word;
    bool is_first = true;
    while (text_split(&text, ' ', &word)) {
        if (word.size == 0)
            continue;
        if (!is_first && column + 1 + word.size > width) {
            buf_printf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!is_first) {
            buf_append_byte(out, ' ');
            column++;
        }
        buf_append_text(out, word);
        column += word.size;
        is_first = false;
    }
    buf_append_byte(out, '\n');
}

static void print_flag(const struct flag *flag, size_t width, struct buf *out) {
    AUTO_FINI(buf_fini) struct buf name = {0};
    AUTO_FINI(buf_fini) struct buf words = {0};
    bool is_switch = flag->kind == FLAG_BOOL;
    bool is_on = is_switch && flag->preset != NULL && strcmp(flag->preset, "true") == 0;
    buf_append_string(&name, "  ");
    if (flag->letter != '\0')
        buf_printf(&name, "-%c, ", flag->letter);
    buf_printf(&name, "--%s%s%s%s", is_switch ? "[no-]" : "", flag->name, is_switch ? "" : "=",
               metavar(flag));
    buf_append_string(&words, flag->help != NULL ? flag->help : "");
    if (flag->is_required)
        buf_append_string(&words, " (required)");
    else if (is_on)
        buf_append_string(&words, " (on by default)");
    else if (!is_switch && flag->preset != NULL && flag->preset[0] != '\0')
        buf_printf(&words, " (default: %s)", flag->preset);
    buf_append_text(out, buf_text(&name));
    if (name.size + 2 > NAME_COLUMNS)
        buf_printf(out, "\n%*s", NAME_COLUMNS, "");
    else
        buf_printf(out, "%*s", (int)(NAME_COLUMNS - name.size), "");
    wrap(out, buf_text(&words), NAME_COLUMNS, NAME_COLUMNS, width);
}

void flags_print_help(const struct flag_table *table, size_t width_columns, struct buf *out) {
    size_t width = width_columns < NARROWEST ? NARROWEST
                   : width_columns > WIDEST  ? WIDEST
                                             : width_columns;
    const char *heading = NULL;
    buf_printf(out, "Usage: %s %s\n", table->program,
               table->usage != NULL ? table->usage : "[flags]");
    if (table->summary != NULL) {
        buf_append_byte(out, '\n');
        wrap(out, text_of(table->summary), 0, 0, width);
    }
    for (size_t i = 0; i < table->count; i++) {
        const struct flag *flag = &table->flags[i];
        if (i == 0 ||
            (flag->group != NULL && (heading == NULL || strcmp(heading, flag->group) != 0))) {
            heading = flag->group != NULL ? flag->group : "Flags";
            buf_printf(out, "\n%s:\n", heading);
        }
        print_flag(flag, width, out);
    }
    buf_printf(out, "\nOther:\n  --help                      This text\n"
                    "  --version                   The version\n");
    if (table->environment_prefix == NULL)
        return;
    AUTO_FINI(buf_fini) struct buf note = {0};
    buf_printf(&note,
               "Each flag can also be set in the environment, as %sNAME in capitals; the command "
               "line wins. A text of the form file:///path is read from that file.",
               table->environment_prefix);
    buf_append_byte(out, '\n');
    wrap(out, buf_text(&note), 0, 0, width);
}

void flags_print_version(const struct flag_table *table, struct buf *out) {
    buf_printf(out, "%s %s\n", table->program, table->version != NULL ? table->version : "unknown");
}

size_t flags_terminal_width(int fd) {
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

bool flags_main(const struct flag_table *table, int argc, char **argv,
                struct flag_arguments *arguments, int *exit_code) {
    AUTO_FINI(buf_fini) struct buf text = {0};
    struct error error;
    *exit_code = 0;
    switch (flags_parse(table, argc - 1, argv + 1, environ, arguments, &error)) {
    case FLAGS_RUN:
        for (size_t i = 0; i < arguments->warnings.count; i++)
            fprintf(stderr, "%s: %s\n", table->program, arguments->warnings.items[i]);
        return true;
    case FLAGS_HELP: flags_print_help(table, flags_terminal_width(STDOUT_FILENO), &text); break;
    case FLAGS_VERSION: flags_print_version(table, &text); break;
    case FLAGS_WRONG:
        fprintf(stderr, "%s: %s\n", table->program, error.message);
        *exit_code = 1;
        break;
    }
    fputs(buf_string(&text), stdout);
    flags_fini(table, arguments);
    return false;
}
