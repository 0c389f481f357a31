#pragma once

#include "shipper/aws.h"

/*
 * shipper/aws.h without a network: calls wait here until the test answers.
 */
struct fake_aws {
    struct aws_call *call; /* the one under way, or NULL */
    unsigned calls;        /* ever */
    unsigned cancelled;
    bool no_memory; /* aws_call_start() fails */
};
extern struct fake_aws fake_aws;

/** fake_aws_answer(): of the call under way, which must ask for @target. */
void fake_aws_answer(const char *target, struct aws_answer answer);

/** fake_aws_ok(): AWS_OK with @body, JSON text. */
void fake_aws_ok(const char *target, const char *body);

/** fake_aws_refuse(): an error of the operation, or what @advice says. */
void fake_aws_refuse(const char *target, enum aws_advice advice,
                     const char *code, const char *body);
