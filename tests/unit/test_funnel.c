/*
 * Sessions are counted once a step, exactly while the table has room, and
 * honestly where it has not.
 */
#include "shipper/ctl/funnel.h"
#include "tests/check.h"

enum {
    SESSIONS = 20000,
    SMALL_BYTES = 4096, /* 512 slots: 384 sessions */
    SMALL = 384,
};

static struct funnel funnel;

static void
add(const char *name, unsigned session)
{
    char id[32];
    int n = snprintf(id, sizeof(id), "session-%08u", session);

    CHECK(!funnel_add(&funnel, (struct slice){name, strlen(name)},
                      (struct slice){id, (size_t)n}));
}

static void
each_session_counts_once_a_step(void)
{
    CHECK(!funnel_init(&funnel, FUNNEL_TABLE_BYTES));
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < SESSIONS; i++) {
            add("page_view", i);
            if (i % 2 == 0)
                add("product_view", i);
            if (i % 5 == 0)
                add("checkout_complete", i);
        }
    }
    CHECK_INT(funnel.steps[0].events, 2 * SESSIONS);
    CHECK_INT(funnel.steps[0].sessions, SESSIONS);
    CHECK_INT(funnel.steps[1].sessions, SESSIONS / 2);
    CHECK_INT(funnel.steps[2].sessions, 0);
    CHECK_INT(funnel.steps[4].events, 2 * SESSIONS / 5);
    CHECK_INT(funnel.steps[4].sessions, SESSIONS / 5);
    for (unsigned i = 0; i < FUNNEL_STEPS; i++)
        CHECK(!funnel.steps[i].at_least);
    funnel_deinit(&funnel);
}

static void
past_the_bound_it_is_at_least(void)
{
    CHECK(!funnel_init(&funnel, SMALL_BYTES));
    for (unsigned i = 0; i < SMALL; i++)
        add("page_view", i);
    CHECK(!funnel.steps[0].at_least);
    for (unsigned i = 0; i < SESSIONS; i++)
        add("page_view", i);
    CHECK_INT(funnel.steps[0].events, SMALL + SESSIONS);
    CHECK_INT(funnel.steps[0].sessions, SMALL);
    CHECK(funnel.steps[0].at_least);

    /* Those that are known are told apart at the other steps too. */
    for (unsigned i = 0; i < 10; i++)
        add("add_to_cart", i);
    CHECK_INT(funnel.steps[2].sessions, 10);
    CHECK(!funnel.steps[2].at_least);
    funnel_deinit(&funnel);
}

static void
events_without_session_and_others_take_no_room(void)
{
    CHECK(!funnel_init(&funnel, SMALL_BYTES));
    CHECK(!funnel_add(&funnel, SLICE("add_to_cart"), (struct slice){NULL, 0}));
    add("add_to_car", 1);
    add("", 1);
    CHECK(!funnel_add(&funnel, (struct slice){NULL, 0}, SLICE("session-1")));
    CHECK_INT(funnel.steps[2].events, 1);
    CHECK_INT(funnel.steps[2].sessions, 0);
    CHECK_INT(funnel.used, 0);
    funnel_deinit(&funnel);
}

int
main(void)
{
    each_session_counts_once_a_step();
    past_the_bound_it_is_at_least();
    events_without_session_and_others_take_no_room();
    return 0;
}
