/*
 * A batch is there when each of its entries is, at its time, as often as it
 * was sent.
 */
#include "shipper/witness.h"

#include "tests/check.h"

#include <stdio.h>

#define ID(n)                                                                  \
    SLICE(LINE_PREFIX "\"eventId\":\"00000000-0000-0000-0000-00000000000" #n   \
                      "\",\"a\":1}")
#define PLAIN(crc) SLICE("{\"_crc\":\"0000000" #crc "\",\"ts\":1000000000000,}")

static void
entries_are_told_apart_by_time_and_id(void)
{
    struct witness *witness = witness_new(4);

    witness_seek(witness, 20, ID(2));
    witness_seek(witness, 10, ID(1));
    witness_seek(witness, 10, ID(2));
    witness_seek(witness, 20, ID(2)); /* twice */
    witness_look(witness);
    witness_see(witness, 10, ID(3));
    witness_see(witness, 11, ID(1));
    CHECK_INT(witness_count(witness), 0);
    witness_see(witness, 20, ID(2));
    CHECK_INT(witness_count(witness), 1);
    CHECK(witness_saw(witness, 0) + witness_saw(witness, 3) == 1);
    witness_see(witness, 20, ID(2));
    witness_see(witness, 20, ID(2)); /* more than were sent */
    CHECK_INT(witness_count(witness), 2);
    CHECK(witness_saw(witness, 0) && witness_saw(witness, 3));
    CHECK(!witness_saw(witness, 1) && !witness_saw(witness, 2));

    witness_look(witness); /* the next look sees for itself */
    CHECK_INT(witness_count(witness), 0);
    witness_see(witness, 10, ID(1));
    CHECK(witness_saw(witness, 1) && !witness_saw(witness, 0));
    witness_free(witness);
}

static void
a_line_without_an_id_goes_by_its_checksum(void)
{
    struct witness *witness = witness_new(1);

    witness_seek(witness, 1, PLAIN(1));
    witness_look(witness);
    witness_see(witness, 1, PLAIN(2));
    witness_see(witness, 1, SLICE("{}"));
    witness_see(witness, 1, SLICE(""));
    CHECK_INT(witness_count(witness), 0);
    witness_see(witness, 1, PLAIN(1));
    CHECK_INT(witness_count(witness), 1);
    witness_free(witness);
}

int
main(void)
{
    a_line_without_an_id_goes_by_its_checksum();
    entries_are_told_apart_by_time_and_id();
    return 0;
}
