#pragma once

#include <stdint.h>

struct cloud;

/*
 * What Secrets Manager keeps for the shop: APP_CONFIG, which names the bucket,
 * and DB_PASSWORD, which goes on to the shop's API as a file.  Read at start
 * and every [secrets] refresh; while they cannot be read the last good values
 * hold, and events are taken and shipped all the same.
 *
 * Two secrets, or one JSON secret with a field each (NAME#field): then it is
 * asked for once.
 */
enum { SECRETS_BUCKET_MAX = 64 };

enum secrets_which { SECRETS_APP_CONFIG, SECRETS_DB_PASSWORD, SECRETS_COUNT };

struct secrets;

/** secrets_new(): begins at once with what is wanted. */
int secrets_new(struct secrets **secrets, struct cloud *cloud);

/** secrets_close(): the loop has to run for a turn. */
void secrets_close(struct secrets *secrets);

/** secrets_bucket(): [uploads] bucket, else APP_CONFIG's; NULL with the reason
 * in *@why where nobody knows. */
const char *secrets_bucket(const struct secrets *secrets, const char **why);

/** secrets_time(): wall clock, ms, of the last good look; 0: never, -1: it is
 * not wanted. */
int64_t secrets_time(const struct secrets *secrets, enum secrets_which which);

/** secrets_check(): settings_complain()s. */
struct settings;
void secrets_check(struct settings *settings);
