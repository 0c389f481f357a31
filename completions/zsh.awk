# zsh: _arguments for each command.

function quoted(text) {
    gsub(/'/, "'\\''", text)
    return "'" text "'"
}

# Within a specification of _arguments.
function about(text) {
    gsub(/\\/, "\\\\", text)
    gsub(/\[/, "\\[", text)
    gsub(/\]/, "\\]", text)
    gsub(/:/, "\\:", text)
    return text
}

function action(argument) {
    return argument == "FILE" ? "_files" : \
           argument == "DIR" ? "_files -/" : ""
}

function specification(    tail) {
    tail = "[" about($6) "]"
    if ($5)
        tail = tail ":" about($5) ":" action($5)
    if ($4)
        return "'(" $4 " " $3 ")'{" $4 "," $3 "}" quoted(tail)
    return quoted($3 tail)
}

$1 == "C" {
    words = split($2, part, " ")
    above = words == 2 ? part[1] : ""
    entry = part[words] ":" $3
    list[above] = list[above] "\n        " quoted(entry)
    order[++count] = $2
}

$1 == "O" {
    options[$2] = options[$2] " \\\n        " specification()
}

function words_of(command) {
    return list[command] ? " \\\n        '1:command:->command'" \
                           " \\\n        '*::argument:->argument'" \
                         : " \\\n        '*:argument:_files'"
}

function identifier(command) {
    gsub(/ /, "_", command)
    return "_clickspoolctl" (command ? "_" command : "")
}

function print_function(command) {
    print ""
    print identifier(command) "() {"
    if (list[command]) {
        print "    local curcontext=$curcontext state line"
        print "    local -a commands"
        print "    commands=(" list[command]
        print "    )"
    }
    print "    _arguments -s" (list[command] ? " -C" : "") options[command] \
          words_of(command)
    if (list[command]) {
        print "    case $state in"
        print "    command) _describe command commands ;;"
        print "    argument)"
        print "        (( $+functions[" identifier(command) \
              "_$words[1]] )) && " identifier(command) "_$words[1]"
        print "        ;;"
        print "    esac"
    }
    print "}"
}

END {
    print "#compdef clickspoolctl"
    print_function("")
    for (i = 1; i <= count; i++)
        print_function(order[i])
    print ""
    print "_clickspoolctl \"$@\""
}
