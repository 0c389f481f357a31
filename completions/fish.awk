# fish: a line for each word, and what has to stand before it.

function quoted(text) {
    gsub(/\\/, "\\\\", text)
    gsub(/'/, "\\'", text)
    return "'" text "'"
}

# What was typed is @command, and no subcommand of it.
function when(command,    part, words) {
    words = split(command, part, " ")
    if (!words)
        return "__fish_use_subcommand"
    if (words == 2)
        return "__fish_seen_subcommand_from " part[1] \
               "; and __fish_seen_subcommand_from " part[2]
    return "__fish_seen_subcommand_from " command
}

BEGIN {
    print "# fish completion for clickspoolctl"
    print "complete -c clickspoolctl -f"
}

$1 == "C" {
    words = split($2, part, " ")
    above = words == 2 ? part[1] : ""
    print "complete -c clickspoolctl -n " quoted(when(above)) " -a " \
          part[words] " -d " quoted($3)
}

$1 == "O" {
    line = "complete -c clickspoolctl -n " quoted(when($2)) " -l " \
           substr($3, 3)
    if ($4)
        line = line " -s " substr($4, 2)
    if ($5)
        line = line ($5 == "FILE" ? " -r -F" : $5 == "DIR" ? \
               " -x -a '(__fish_complete_directories)'" : " -x")
    print line " -d " quoted($6)
}
