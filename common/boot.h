#pragma once

/*
 * Which boot of the machine this is.
 */
enum { BOOT_ID_LEN = 36 };

/**
 * boot_id(): the kernel's, as /proc/sys/kernel/random/boot_id has it.  Under
 * systemd's ProcSubset=pid that file is hidden; there the unit says it, in
 * CLICKSPOOL_BOOT_ID (systemd's %b: the same without hyphens).
 *
 * Return: 0 with @id, or a negative errno.
 */
int boot_id(char id[BOOT_ID_LEN + 1]);
