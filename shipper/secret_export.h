#pragma once

#include <stdbool.h>

struct settings;

/*
 * DB_PASSWORD as a file for the shop's API: [secrets] export_dir/DB_PASSWORD,
 * mode 0440, of [secrets] export_group.  A reader finds the old value or the
 * new one, whole.
 */
#define SECRET_EXPORT_NAME "DB_PASSWORD"

/** secret_export(): Return: 0 or a negative errno. */
int secret_export(const struct settings *settings, const char *value);

/** secret_exported(): whether the file is there. */
bool secret_exported(const struct settings *settings);

/** secret_export_check(): settings_complain()s. */
void secret_export_check(struct settings *settings);
