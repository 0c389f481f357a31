#!/bin/sh
# Makes the completions of one shell from what the program itself says, so that
# no command and no option is ever missing.
#
#     generate.sh bash|zsh|fish CLICKSPOOLCTL
set -eu

shell=$1
program=$2
here=$(dirname "$0")

# "O<TAB>command<TAB>--option<TAB>-o<TAB>ARGUMENT<TAB>about" for each option.
options() { # COMMAND
    # shellcheck disable=SC2086 # a subcommand is two words
    "$program" $1 --help | awk -v command="$1" '
    function flush() {
        if (option)
            print "O\t" command "\t" option "\t" short "\t" argument "\t" line
        option = ""
    }
    /^  (-[a-z], )?--[a-z]/ {
        flush()
        line = substr($0, 3)
        short = argument = ""
        if (match(line, /^-[a-z], /)) {
            short = substr(line, 1, 2)
            line = substr(line, 5)
        }
        match(line, /^--[a-z-]+/)
        option = substr(line, 1, RLENGTH)
        line = substr(line, RLENGTH + 1)
        if (match(line, /^ [A-Z][A-Z=,]*/)) {
            argument = substr(line, 2, RLENGTH - 1)
            line = substr(line, RLENGTH + 1)
        }
        sub(/^ +/, "", line)
        next
    }
    option && sub(/^          +/, "") { # the rest of its line
        line = line " " $0
        next
    }
    { flush() }
    END { flush() }'
}

# Words that begin a line of a help, and the rest of it.
words() { # COMMAND
    # shellcheck disable=SC2086
    "$program" $1 --help |
        sed -n 's/^  \([a-z][a-z]*\)\( [A-Z][A-Z.]*\)* \{1,\}\(.*\)/\1	\3/p'
}

# "C<TAB>command<TAB>about" for each command and subcommand.
commands() { # COMMAND
    words "$1" | while IFS='	' read -r word about; do
        command=${1:+$1 }$word
        # Not every such line is about a command.
        # shellcheck disable=SC2086
        "$program" $command --help 2>/dev/null |
            grep -q "^Usage: clickspoolctl $command\\( \\|\$\\)" || continue
        printf 'C\t%s\t%s\n' "$command" "$about"
        options "$command"
        [ -n "$1" ] || commands "$command"
    done
}

{
    options ""
    commands ""
} | awk -F '\t' -f "$here/$shell.awk"
