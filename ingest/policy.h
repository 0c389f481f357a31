#pragma once

#include "common/issuer.h"
#include "ingest/cors.h"
#include "ingest/forwarded.h"
#include "ingest/jwt.h"

#include <stdbool.h>

struct catalog;
struct settings;

/*
 * All that SIGHUP can change in how requests are judged, as one immutable
 * whole: a request is served by the policy that was in force when its head
 * came, however long its entry takes to the disk.
 */
enum policy_source_ip { POLICY_IP_FULL, POLICY_IP_NETWORK, POLICY_IP_NONE };

struct upload_policy {
    char *key_prefix;
    char *content_types; /* words */
    char *public_base_url;
    int64_t max_size;
    int64_t expires_ms;
};

struct policy {
    unsigned holders;
    struct cors cors;
    struct forwarded forwarded;
    struct catalog *catalog;
    bool keep_unknown_fields;
    enum policy_source_ip source_ip;
    bool keep_user_agent;
    int64_t rate_per_ip; /* requests a second; 0: no limit */
    int64_t rate_burst;

    struct issuer issuer;
    char *client_ids;     /* the words that jwt.clients point into */
    struct jwt_rules jwt; /* issuer "": no token is taken */
    char *upload_group;   /* "": any user may upload */
    struct upload_policy uploads;
};

/**
 * policy_new(): from @settings, with a complaint for each fault.
 *
 * Return: 0 with one holder, -EINVAL after complaints, or -ENOMEM.
 */
int policy_new(struct policy **policy, struct settings *settings);

struct policy *policy_hold(struct policy *policy);

/** policy_release(): the last holder frees it. */
void policy_release(struct policy *policy);
