#pragma once

struct ctl;
struct health_facts;

/** health_facts_read(): after ctl_open(). */
void health_facts_read(struct health_facts *facts, const struct ctl *ctl);
