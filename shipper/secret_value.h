#pragma once

#include "common/slice.h"

/*
 * What a SecretString means.  Nothing is said about its inside, so two shapes
 * are taken: the value itself, or a flat JSON object as the console makes it.
 * Only an object is opened: a password of digits is a password.  Pure.
 *
 * Values are the caller's to wipe.
 */
enum { SECRET_VALUE_MAX = 64 * 1024 };

/**
 * secret_field(): the member @field of the JSON object in @text; a member that
 * is not a string is its JSON.
 *
 * Return: the value, for secret_free(), or NULL: no object, or no member.
 */
char *secret_field(struct slice text, const char *field);

/**
 * secret_password(): of a SecretString: its member @name or "password" where
 * it is an object, else all of it, without one LF at its end, which editors
 * and `file://` leave there.
 *
 * Return: the value, for secret_free(), or NULL where there is none.
 */
char *secret_password(struct slice text, const char *name);

/**
 * secret_bucket(): the member "bucket" of an object, or of the object (or the
 * JSON in a string) that is its member @name.
 *
 * Return: the name, for secret_free(), or NULL.
 */
char *secret_bucket(struct slice text, const char *name);
