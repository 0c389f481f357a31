#pragma once

/*
 * The subcommands of `dead`.  Each has a file, dead_<name>.c, and a line in
 * the table of dead.c; its command's name is "dead <name>".
 */
struct command;

extern const struct command command_dead_drop;
extern const struct command command_dead_export;
extern const struct command command_dead_ls;
extern const struct command command_dead_retry;
extern const struct command command_dead_show;
