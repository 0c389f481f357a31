#pragma once

struct ctl;

/*
 * --as-shipper: root becomes what the running shipper is, so that AWS sees
 * shipper's own credentials: its environment, with what systemd handed over in
 * there, its user and its group.  Which process that is the kernel says, of
 * who listens at the broker's socket.  Root's own rights are gone for good
 * then, so nothing that shipper's files name is opened or run as root.
 */

/**
 * as_shipper(): @ctl has its settings, which are stale afterwards, as the
 * environment overrides them; nothing else of it is open.
 *
 * Return: 0 or CTL_UNREACHABLE, told with what to do about it.
 */
int as_shipper(const struct ctl *ctl);
