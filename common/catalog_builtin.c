#include "common/catalog.h"

/*
 * What a web shop sends.  docs/catalog.md explains the form; a file of one's
 * own replaces all of it.
 */
const char catalog_builtin[] =
    "{\"fields\":{"
    "\"productId\":{\"type\":\"string\",\"max_length\":128},"
    "\"name\":{\"type\":\"string\",\"max_length\":256},"
    "\"category\":{\"type\":\"string\",\"max_length\":256},"
    "\"brand\":{\"type\":\"string\",\"max_length\":256},"
    "\"price\":{\"type\":\"number\",\"min\":0,\"max\":1e9},"
    "\"discountPrice\":{\"type\":\"number\",\"min\":0,\"max\":1e9},"
    "\"value\":{\"type\":\"number\",\"min\":0,\"max\":1e9},"
    "\"quantity\":{\"type\":\"integer\",\"min\":1,\"max\":1e6},"
    "\"currency\":{\"type\":\"string\",\"format\":\"currency\"},"
    "\"orderId\":{\"type\":\"string\",\"max_length\":128},"
    "\"urlPath\":{\"type\":\"string\",\"format\":\"path\","
    "\"max_length\":2048},"
    "\"referrer\":{\"type\":\"string\",\"max_length\":2048},"
    "\"title\":{\"type\":\"string\",\"max_length\":2048},"
    "\"items\":{\"type\":\"objects\",\"max_length\":50,\"fields\":["
    "\"productId\",\"name\",\"category\",\"brand\",\"price\","
    "\"discountPrice\",\"value\",\"currency\",\"quantity\"],"
    "\"events\":[\"add_to_cart\",\"checkout_start\","
    "\"checkout_complete\"]},"
    "\"props\":{\"type\":\"scalars\",\"max_length\":20}},"
    "\"events\":{"
    "\"page_view\":{},"
    "\"product_view\":{\"required\":[\"productId\"]},"
    "\"add_to_cart\":{\"required\":[\"productId\"]},"
    "\"checkout_start\":{},"
    "\"checkout_complete\":{}}}";
