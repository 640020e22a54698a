/*
 * Columns on a terminal: each as wide as its widest cell, two spaces between, the last as it comes.
 * What others call themselves is printed with '?' for control characters, in cells and by
 * print_clean.
 */
#pragma once

#include "common/base/auto.h"

#include <stdio.h>

enum { TABLE_COLUMNS_LIMIT = 16 };

struct table;

/* `headings` end with NULL. */
struct table *table_new(const char *const *headings);
void table_free(struct table *table);
DEFINE_AUTO(struct table, table_free)

/* One row, cells of printf; begin with table_cell for its first column. */
void table_cell(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
void table_print(const struct table *table, FILE *out);

/* As fprintf; a newline at the very end of the format stays one. */
void print_clean(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
