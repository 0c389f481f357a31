#pragma once

/** secret_free(): wipe what was a secret, and free it; NULL is fine. */
void secret_free(char *text);
