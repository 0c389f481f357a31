#pragma once

#include <stdbool.h>
#include <stdint.h>

struct profiles;

/*
 * From profiles to what has to be done for keys: where they begin (keys as
 * they stand, a program, a web identity), and which roles are assumed on top,
 * one by one.  Pure; the order of what decides is AWS's own (botocore's):
 * within a profile a role before a web identity, keys of the credentials file
 * before a credential_process, and that before keys of the config file.
 */
enum {
    CREDS_ROLES_MAX = 5,
    CREDS_WHY_MAX = 512,
};

enum creds_base {
    CREDS_STATIC,
    CREDS_ENVIRONMENT, /* what AWS_ACCESS_KEY_ID and its kin say */
    CREDS_PROCESS,     /* credential_process */
    CREDS_WEB,         /* AssumeRoleWithWebIdentity */
};

/** A role; texts are the plan's, NULL where nothing is said. */
struct creds_role {
    char *arn, *session, *external_id;
    char *token_file;   /* of a web identity */
    int64_t duration_s; /* 0: STS's own default */
};

struct creds_plan {
    enum creds_base base;
    char *access_key, *secret, *token;        /* CREDS_STATIC */
    char *command;                            /* CREDS_PROCESS */
    struct creds_role web;                    /* CREDS_WEB */
    struct creds_role roles[CREDS_ROLES_MAX]; /* in the order of assuming */
    unsigned role_count;
};

/**
 * creds_plan_profile(): what profile @name says.  @plan is zeroed.
 *
 * Return: 0; -ENOENT with @why; creds_plan_deinit() is due in any case.
 */
int creds_plan_profile(struct creds_plan *plan, const struct profiles *profiles,
                       const char *name, char why[CREDS_WHY_MAX]);

/** creds_plan_add_role(): on top of all.  Return: 0, -ENOENT with @why. */
int creds_plan_add_role(struct creds_plan *plan, const char *arn,
                        char why[CREDS_WHY_MAX]);

/** creds_plan_equal(): whether two lead to the same keys. */
bool creds_plan_equal(const struct creds_plan *a, const struct creds_plan *b);

void creds_plan_deinit(struct creds_plan *plan);
