#pragma once

/*
 * Every refusal that ingest knows, in one table: HTTP status, code, and what
 * a person is told.  Sent as RFC 9457 problem details.
 *
 *     X(NAME, status, code, seconds of Retry-After or 0, detail)
 */
#define PROBLEMS(X)                                                            \
    X(BAD_REQUEST, 400, "bad_request", 0,                                      \
      "The request is not well-formed HTTP/1.1.")                              \
    X(HTTPS_WANTED, 400, "bad_request", 0,                                     \
      "This address speaks HTTPS, and plain HTTP came.")                       \
    X(INVALID_JSON, 400, "invalid_json", 0, "The body is not valid JSON.")     \
    X(INVALID_UTF8, 400, "invalid_utf8", 0, "The body is not valid UTF-8.")    \
    X(INVALID_ENCODING, 400, "invalid_encoding", 0,                            \
      "The body is not what Content-Encoding says.")                           \
    X(EMPTY_BATCH, 400, "empty_batch", 0, "There is no event in the body.")    \
    X(BATCH_TOO_LONG, 400, "batch_too_long", 0,                                \
      "A request holds at most 500 events.")                                   \
    X(INVALID_EVENT, 400, "invalid_event", 0, "No event could be taken.")      \
    X(INVALID_REQUEST, 400, "invalid_request", 0,                              \
      "The body does not ask for an upload in the right way.")                 \
    X(INVALID_UPLOAD_ID, 400, "invalid_upload_id", 0,                          \
      "This uploadId was not made here.")                                      \
    X(MISSING_TOKEN, 401, "missing_token", 0,                                  \
      "Send a token: Authorization: Bearer.")                                  \
    X(TOKEN_EXPIRED, 401, "token_expired", 0, "The token has expired.")        \
    X(INVALID_TOKEN, 401, "invalid_token", 0, "The token is not valid.")       \
    X(ORIGIN_NOT_ALLOWED, 403, "origin_not_allowed", 0,                        \
      "This origin may not send events.")                                      \
    X(FORBIDDEN, 403, "forbidden", 0, "This host is not served here.")         \
    X(NOT_IN_GROUP, 403, "forbidden", 0,                                       \
      "The token's user is not in the group that may upload.")                 \
    X(NOT_YOUR_UPLOAD, 403, "forbidden", 0,                                    \
      "This uploadId was made for somebody else.")                             \
    X(NOT_UPLOADED, 404, "not_uploaded", 0, "The object is not there (yet).")  \
    X(NOT_FOUND, 404, "not_found", 0, "There is nothing here.")                \
    X(METHOD_NOT_ALLOWED, 405, "method_not_allowed", 0,                        \
      "The method is not allowed here; see Allow.")                            \
    X(REQUEST_TIMEOUT, 408, "request_timeout", 0,                              \
      "The request did not arrive in time.")                                   \
    X(UPLOAD_MISMATCH, 409, "upload_mismatch", 0,                              \
      "The object is not the one that was promised.")                          \
    X(UPLOAD_EXPIRED, 410, "upload_expired", 0, "The uploadId has expired.")   \
    X(LENGTH_REQUIRED, 411, "length_required", 0,                              \
      "Send Content-Length, or Transfer-Encoding: chunked.")                   \
    X(BODY_TOO_LARGE, 413, "body_too_large", 0, "The body is too large.")      \
    X(EVENT_TOO_LARGE, 413, "event_too_large", 0, "The event is too large.")   \
    X(UPLOAD_TOO_LARGE, 413, "upload_too_large", 0,                            \
      "An upload may not be that large.")                                      \
    X(URI_TOO_LONG, 414, "uri_too_long", 0, "The URI is too long.")            \
    X(CONTENT_TYPE_NOT_ALLOWED, 415, "content_type_not_allowed", 0,            \
      "Files of this type are not taken.")                                     \
    X(UNSUPPORTED_MEDIA_TYPE, 415, "unsupported_media_type", 0,                \
      "Send application/json, application/x-ndjson or text/plain, plain or "   \
      "with Content-Encoding: gzip.")                                          \
    X(JSON_WANTED, 415, "unsupported_media_type", 0,                           \
      "Send application/json, without Content-Encoding.")                      \
    X(EXPECTATION_FAILED, 417, "expectation_failed", 0,                        \
      "Only 100-continue can be expected.")                                    \
    X(RATE_LIMITED, 429, "rate_limited", 1,                                    \
      "There are too many requests from this address.")                        \
    X(HEAD_TOO_LARGE, 431, "head_too_large", 0,                                \
      "The head of the request is too large.")                                 \
    X(SPOOL_FULL, 503, "spool_full", 5, "There is no room for events.")        \
    X(SPOOL_ERROR, 503, "spool_error", 1, "Events cannot be stored.")          \
    X(SECRETS_UNAVAILABLE, 503, "secrets_unavailable", 5,                      \
      "Uploads cannot be signed at the moment.")                               \
    X(STORAGE_UNAVAILABLE, 503, "storage_unavailable", 2,                      \
      "Nobody can look at the object at the moment.")                          \
    X(KEYS_UNAVAILABLE, 503, "keys_unavailable", 2,                            \
      "Tokens cannot be verified at the moment.")                              \
    X(DRAINING, 503, "draining", 1, "Nothing is taken for the moment.")        \
    X(TOO_BUSY, 503, "too_busy", 1, "There are too many connections.")

#define PROBLEM_NAME(name, ...) PROBLEM_##name,

/* 0 is no problem, so that a function can return one or nothing. */
enum problem { PROBLEM_NONE, PROBLEMS(PROBLEM_NAME) };

struct problem_info {
    int status;
    const char *code;
    int retry_after_s;
    const char *detail;
};

const struct problem_info *problem_info(enum problem problem);

/** problem_reason(): RFC 9110's phrase for a status that we send. */
const char *problem_reason(int status);
