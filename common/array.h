#pragma once

#include <stddef.h>

/**
 * array_grow(): make room for one more element of @size bytes behind the
 * @count that there are; *@room is how many fit.  It doubles, so that a row
 * of additions costs little.
 *
 * Return: the array, perhaps moved; or NULL, and the old one is as it was.
 */
void *array_grow(void *array, size_t count, size_t *room, size_t size);
