#pragma once

struct ctl;

/** replay_watch(): wait, with a bar on a terminal, until shipper is done with
 * all that is in retry/.  Return: an exit code, told. */
int replay_watch(const struct ctl *ctl);
