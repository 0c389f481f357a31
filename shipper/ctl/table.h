#pragma once

struct cJSON;

/*
 * Rows of texts on stdout: a JSON array of objects whose values are strings.
 * Columns come in the order in which the rows first name them.
 */
enum { TABLE_COLUMNS_MAX = 64 };

/** table_print(): for people, with a head line; numbers to the right. */
void table_print(const struct cJSON *rows);

/** table_print_json(): one object a line. */
void table_print_json(const struct cJSON *rows);
