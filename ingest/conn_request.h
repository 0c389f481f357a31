#pragma once

#include "ingest/problem.h"

#include <stddef.h>

struct conn;

/*
 * A connection's bytes to requests: the head judged, the body gathered, the
 * handler called.  conn.c decides when; sockets are its own.
 */

/**
 * conn_request_take(): one request from the @len bytes that begin with it.
 *
 * Return: its length once it has been answered or a handler has it; 0 where
 * more is needed, or the connection is past reading.
 */
size_t conn_request_take(struct conn *conn, const char *bytes, size_t len);

/**
 * conn_request_refuse(): answer what has come so far with @problem.  It may not
 * have been all of the request, so nothing more is read, unless it surely was:
 * a good head without a body.
 */
void conn_request_refuse(struct conn *conn, enum problem problem);

/** conn_request_end(): the exchange is over; may be repeated. */
void conn_request_end(struct conn *conn);
