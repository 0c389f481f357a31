#include "common/array.h"

#include <stdlib.h>

enum { FIRST_ROOM = 16 };

void *
array_grow(void *array, size_t count, size_t *room, size_t size)
{
    size_t more = *room ? *room * 2 : FIRST_ROOM;

    if (count < *room)
        return array;
    array = reallocarray(array, more, size);
    if (array)
        *room = more;
    return array;
}
