#pragma once

struct buf;
struct catalog;

/** catalog_json(): a catalog in one line, as docs/catalog.md has it, with what
 * its author left out.  Pure. */
void catalog_json(struct buf *out, const struct catalog *catalog);
