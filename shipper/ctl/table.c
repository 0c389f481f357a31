#include "shipper/ctl/table.h"

#include "common/buf.h"
#include "common/json.h"
#include "shipper/ctl/print.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELL_MAX = 2 * 1024 * 1024 };

struct column {
    const char *name; /* borrowed from a row */
    size_t width;     /* in characters */
    bool numeric;     /* all that stands in it is a number */
};

struct table {
    struct column columns[TABLE_COLUMNS_MAX];
    size_t count;
    struct buf cell; /* printable */
};

/* Characters of UTF-8, as every one but the first byte is a continuation. */
static size_t
width_of(const struct buf *cell)
{
    size_t width = 0;

    for (size_t i = 0; i < cell->len; i++)
        width += (cell->data[i] & 0xc0) != 0x80;
    return width;
}

static size_t
set_cell(struct table *table, const char *text)
{
    buf_clear(&table->cell);
    json_escape_printable(&table->cell, text, strlen(text));
    return width_of(&table->cell);
}

static bool
is_number(const char *text)
{
    char *end;

    if (!strchr("+-.0123456789", *text))
        return false;
    (void)strtod(text, &end);
    return *text && !*end;
}

static struct column *
column_of(struct table *table, const char *name)
{
    struct column *column = table->columns;

    for (; column < table->columns + table->count; column++)
        if (!strcmp(column->name, name))
            return column;
    if (table->count == TABLE_COLUMNS_MAX)
        return NULL;
    table->count++;
    *column = (struct column){name, set_cell(table, name), true};
    return column;
}

static void
measure(struct table *table, const cJSON *rows)
{
    const cJSON *row, *value;

    cJSON_ArrayForEach(row, rows)
    {
        cJSON_ArrayForEach(value, row)
        {
            struct column *column = column_of(table, value->string);
            size_t width = set_cell(table, value->valuestring);

            if (!column)
                continue;
            if (width > column->width)
                column->width = width;
            column->numeric &= is_number(value->valuestring);
        }
    }
}

static void
print_cell(struct table *table, const struct column *column, const char *text)
{
    size_t width = set_cell(table, text);
    int pad = (int)(column->width > width ? column->width - width : 0);
    bool last = column == &table->columns[table->count - 1];

    if (column != table->columns)
        fputs("  ", stdout);
    if (column->numeric)
        printf("%*s", pad, "");
    if (table->cell.len)
        (void)fwrite(table->cell.data, 1, table->cell.len, stdout);
    if (!column->numeric && !last)
        printf("%*s", pad, "");
}

void
table_print(const struct cJSON *rows)
{
    static struct table table;
    const cJSON *row;

    table.count = 0;
    buf_init(&table.cell, CELL_MAX);
    measure(&table, rows);
    fputs(print_colour(PRINT_DIM), stdout);
    for (size_t i = 0; i < table.count; i++)
        print_cell(&table, &table.columns[i], table.columns[i].name);
    fputs(print_end(), stdout);
    if (table.count)
        putchar('\n');
    cJSON_ArrayForEach(row, rows)
    {
        for (size_t i = 0; i < table.count; i++) {
            const char *text = json_get_string(row, table.columns[i].name);

            print_cell(&table, &table.columns[i], text ? text : "");
        }
        putchar('\n');
    }
    buf_deinit(&table.cell);
}

void
table_print_json(const struct cJSON *rows)
{
    const cJSON *row;

    cJSON_ArrayForEach(row, rows)
    {
        char *text = cJSON_PrintUnformatted(row);

        if (text)
            puts(text);
        free(text);
    }
}
