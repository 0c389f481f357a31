#pragma once

#include <stddef.h>

/*
 * The files that AWS's tools share: ~/.aws/config and ~/.aws/credentials.
 * Pure: bytes to profiles.  What the tools ignore is ignored here: sections
 * and properties with odd names, and sections that are no profile.
 *
 * Values may be secrets: they are wiped before their memory is given back.
 */
enum profile_file {
    PROFILE_CONFIG,      /* [profile NAME], or [default] */
    PROFILE_CREDENTIALS, /* [NAME] */
};

enum { PROFILE_BROKEN = 1 };

struct profile_property {
    char *name;  /* in lower case */
    char *value; /* lines that were continued are joined by LF */
    enum profile_file file;
    struct profile_property *next;
};

struct profile {
    char *name;
    struct profile_property *properties;
    struct profile *next;
};

/** Begin with {NULL}; end with profiles_free(). */
struct profiles {
    struct profile *first;
};

struct profile_error {
    unsigned line;
    const char *why;
};

/**
 * profiles_parse(): add what a file says.  The config file comes first, as of
 * two equal properties the later wins.
 *
 * Return: 0, PROFILE_BROKEN with *@error, or -ENOMEM.
 */
int profiles_parse(struct profiles *profiles, enum profile_file file,
                   const char *text, size_t len, struct profile_error *error);

void profiles_free(struct profiles *profiles);

/** profiles_find(): the profile of that name, or NULL. */
const struct profile *profiles_find(const struct profiles *profiles,
                                    const char *name);

/** profile_get(): a property that has a value, or NULL. */
const struct profile_property *profile_get(const struct profile *profile,
                                           const char *name);
