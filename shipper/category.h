#pragma once

#include "common/slice.h"

/**
 * category_of(): the logCategory of an entry's line, as it is written there;
 * empty where it has none.  Pure.
 */
struct slice category_of(struct slice line);
