#pragma once

#include <stdint.h>

struct web_answer;

/** What ingest says of posted events, or why it does not. */
enum { RECEIPT_TEXT_SIZE = 512 };

struct receipt {
    uint64_t accepted;
    char identity[32];
    char request_id[72];
    char why[RECEIPT_TEXT_SIZE]; /* where they were not taken */
};

/**
 * receipt_read(): of one event, or of several that all have to be taken.
 *
 * Return: 0; CTL_FINDINGS where something was refused; CTL_UNREACHABLE where
 * there is no answer that tells.
 */
int receipt_read(struct receipt *receipt, const struct web_answer *answer);
