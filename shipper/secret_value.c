#include "shipper/secret_value.h"

#include "common/json.h"
#include "common/secret_text.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

static void
tree_free(cJSON *tree)
{
    json_wipe(tree);
    cJSON_Delete(tree);
}

/* An object, or NULL. */
static cJSON *
read_object(struct slice text)
{
    cJSON *tree = json_parse(text.data, text.len);

    if (cJSON_IsObject(tree))
        return tree;
    tree_free(tree);
    return NULL;
}

static char *
text_of(const cJSON *member)
{
    if (!member || cJSON_IsNull(member))
        return NULL;
    return cJSON_IsString(member) ? strdup(member->valuestring)
                                  : cJSON_PrintUnformatted(member);
}

char *
secret_field(struct slice text, const char *field)
{
    cJSON *tree = read_object(text);
    char *value = text_of(cJSON_GetObjectItemCaseSensitive(tree, field));

    tree_free(tree);
    return value;
}

static char *
bare(struct slice text)
{
    size_t len = text.len;

    if (len && text.data[len - 1] == '\n')
        len--;
    return len ? strndup(text.data, len) : NULL;
}

char *
secret_password(struct slice text, const char *name)
{
    cJSON *tree = read_object(text);
    char *value;

    if (!tree)
        return bare(text);
    value = text_of(cJSON_GetObjectItemCaseSensitive(tree, name));
    if (!value)
        value = text_of(cJSON_GetObjectItemCaseSensitive(tree, "password"));
    tree_free(tree);
    return value;
}

char *
secret_bucket(struct slice text, const char *name)
{
    char *bucket = secret_field(text, "bucket"), *inner;

    if (bucket)
        return bucket;
    inner = secret_field(text, name);
    if (inner)
        bucket = secret_field((struct slice){inner, strlen(inner)}, "bucket");
    secret_free(inner);
    return bucket;
}
