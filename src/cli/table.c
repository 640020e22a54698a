#include "cli/table.h"

#include "common/base/mem.h"
#include "common/base/vec.h"

#include <stdarg.h>
#include <stdbool.h>

struct table {
    size_t columns;
    size_t widths[TABLE_COLUMNS_LIMIT];
    VEC_OF(char *) cells; /* row after row */
};

static void add(struct table *table, char *cell) {
    size_t column = table->cells.count % table->columns;
    size_t width = strlen(cell);
    if (width > table->widths[column])
        table->widths[column] = width;
    VEC_PUSH(&table->cells, cell);
}

struct table *table_new(const char *const *headings) {
    struct table *table = NEW(struct table);
    while (headings[table->columns] != NULL)
        table->columns++;
    assert(table->columns > 0 && table->columns <= TABLE_COLUMNS_LIMIT);
    for (size_t i = 0; i < table->columns; i++)
        add(table, mem_dup_string(headings[i]));
    return table;
}

void table_free(struct table *table) {
    if (table == NULL)
        return;
    VEC_EACH(cell, &table->cells)
        mem_free(*cell);
    VEC_FINI(&table->cells);
    mem_free(table);
}

/* What a task or framework calls itself must not reach the terminal as control characters: those
 * of ASCII, and U+0080 to U+009F, which are C2 80 to C2 9F. */
static void clean(char *cell, size_t size) {
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)cell[i], next = (unsigned char)cell[i + 1];
        bool is_wide = byte == 0xc2 && i + 1 < size && next >= 0x80 && next < 0xa0;
        if (is_wide)
            cell[i + 1] = '?';
        if (is_wide || byte < 0x20 || byte == 0x7f)
            cell[i] = '?';
    }
}

void table_cell(struct table *table, const char *format, ...) {
    va_list arguments;
    char *cell;
    va_start(arguments, format);
    if (vasprintf(&cell, format, arguments) < 0)
        mem_crash("out of memory");
    va_end(arguments);
    clean(cell, strlen(cell));
    add(table, cell);
}

void table_print(const struct table *table, FILE *out) {
    for (size_t i = 0; i < table->cells.count; i++) {
        size_t column = i % table->columns;
        if (column + 1 == table->columns)
            fprintf(out, "%s\n", table->cells.items[i]);
        else
            fprintf(out, "%-*s  ", (int)table->widths[column], table->cells.items[i]);
    }
}

void print_clean(FILE *out, const char *format, ...) {
    va_list arguments;
    char *line;
    va_start(arguments, format);
    if (vasprintf(&line, format, arguments) < 0)
        mem_crash("out of memory");
    va_end(arguments);
    size_t size = strlen(line), end = strlen(format);
    bool has_newline = end > 0 && format[end - 1] == '\n';
    clean(line, has_newline ? size - 1 : size);
    fputs(line, out);
    mem_free(line);
}
