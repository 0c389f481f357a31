#pragma once

#include "common/slice.h"

#include <stdbool.h>
#include <stddef.h>

struct buf;

/*
 * A strict scanner over the sender's own bytes: RFC 8259 to the letter, UTF-8
 * as RFC 3629 has it, no names twice in an object, bounded depth and width.
 * It allocates nothing, changes nothing and keeps no tree: containers are
 * stepped through by iterators, and what was scanned is named by its place.
 */
enum {
    SCAN_DEPTH_MAX = 32,
    SCAN_MEMBERS_MAX = 64, /* of one object; past them it is crowded */
};

enum scan_kind {
    SCAN_OBJECT,
    SCAN_ARRAY,
    SCAN_STRING,
    SCAN_NUMBER,
    SCAN_TRUE,
    SCAN_FALSE,
    SCAN_NULL,
};

enum {
    SCAN_FOUND = 1,
    SCAN_END = 0,
    SCAN_INVALID_JSON = -1,
    SCAN_INVALID_UTF8 = -2,
};

struct scan_value {
    enum scan_kind kind;
    struct slice bytes; /* as sent; a string's quotes are part of it */
    size_t points;      /* of a string: code points after unescaping */
    bool escaped;       /* of a string: there is an escape in it */
    bool odd;     /* escaped NUL, lone surrogate or escaped name, anywhere */
    bool spaced;  /* white space outside strings */
    bool crowded; /* an object has too many members, anywhere; those past
                     the bound were not compared by name */
};

/** scan_text(): the inside of a string's quotes. */
struct slice scan_text(const struct scan_value *value);

/**
 * scan_first(): the value that @text begins with, after white space; what
 * stands behind it is not looked at.
 *
 * Return: SCAN_FOUND, SCAN_INVALID_JSON or SCAN_INVALID_UTF8.
 */
int scan_first(struct slice text, struct scan_value *value);

/**
 * scan_document(): the whole of @text is one value, white space around it.
 *
 * Return: SCAN_FOUND, SCAN_INVALID_JSON or SCAN_INVALID_UTF8.
 */
int scan_document(struct slice text, struct scan_value *value);

/** One container that is being stepped through. */
struct scan {
    const char *at, *end;
    int depth;
    bool object;
    bool begun;
    bool spaced, odd, crowded; /* of what was stepped over so far */
    size_t count;
    struct slice names[SCAN_MEMBERS_MAX];
};

/**
 * scan_open(): @text begins, after white space, with an object or an array.
 *
 * Return: SCAN_FOUND, or SCAN_END where it begins with something else.
 */
int scan_open(struct scan *scan, struct slice text);

/**
 * scan_next(): the next member or element.  Of a member *@name is what stands
 * between its quotes, and *@name_escaped whether there are escapes in it.
 *
 * Return: SCAN_FOUND; SCAN_END, with scan->at behind the closing bracket; or a
 * negative fault.
 */
int scan_next(struct scan *scan, struct slice *name, bool *name_escaped,
              struct scan_value *value);

/**
 * scan_reach(): as scan_next(), but the value is left to the caller: scan->at
 * stands before it, and has to stand behind it when the next one is asked for.
 */
int scan_reach(struct scan *scan, struct slice *name, bool *name_escaped);

/** scan_is_end(): only white space is left from @at to @end. */
bool scan_is_end(const char *at, const char *end);

/** scan_copy(): the value's bytes without white space outside strings. */
void scan_copy(struct buf *out, const struct scan_value *value);
