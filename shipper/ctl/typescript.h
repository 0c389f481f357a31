#pragma once

struct buf;
struct catalog;

/** typescript_write(): a module of types, which needs no other.  Pure. */
void typescript_write(struct buf *out, const struct catalog *catalog);
