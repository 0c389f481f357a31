#pragma once

struct exchange;

/*
 * The tracker script, for every page on the web: it is public, so neither its
 * origin nor its visitor matters.  Each answer carries an entity tag, and what
 * a browser has already costs a 304.
 */

/** Its path for pages that pin a version. */
#define TRACKER_VERSIONED_PATH "/e/" CLICKSPOOL_VERSION ".js"

/** tracker_latest(): GET /e.js; looked at again after a few minutes. */
void tracker_latest(struct exchange *exchange);

/** tracker_versioned(): the same bytes, which never change under this path. */
void tracker_versioned(struct exchange *exchange);
