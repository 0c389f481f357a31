# bash: a function that knows each command's words.

function quoted(text) {
    gsub(/'/, "'\\''", text)
    return "'" text "'"
}

# Sets keep the order in which they grew: the same input gives the same bytes.
function add(set, name) {
    if (index("|" sets[set] "|", "|" name "|"))
        return
    sets[set] = sets[set] (sets[set] ? "|" : "") name
}

function pattern(set) {
    return sets[set] ? sets[set] : "--"
}

$1 == "C" {
    words = split($2, part, " ")
    if (words == 1) {
        top = top " " $2
    } else {
        below[part[1]] = below[part[1]] " " part[2]
        add("above", part[1])
    }
    order[++count] = $2
}

$1 == "O" {
    options[$2] = options[$2] " " $3 ($4 ? " " $4 : "")
    if ($5) {
        add("takes " $2, $3)
        if ($4)
            add("takes " $2, $4)
    }
    if ($5 == "FILE")
        add("files", $3)
    if ($5 == "DIR")
        add("folders", $3)
}

END {
    print "# bash completion for clickspoolctl"
    print "_clickspoolctl()"
    print "{"
    print "    local current=${COMP_WORDS[COMP_CWORD]} before= command= word i"
    print "    local -A values=(  # options that something follows"
    print "        ['clickspoolctl ']=" quoted(pattern("takes "))
    for (i = 1; i <= count; i++)
        print "        ['clickspoolctl " order[i] "']=" \
              quoted(pattern("takes " order[i]))
    print "    )"
    print ""
    print "    ((COMP_CWORD > 0)) && before=${COMP_WORDS[COMP_CWORD - 1]}"
    print "    if [[ $current == = ]]; then"
    print "        current="
    print "    elif [[ $before == = ]]; then"
    print "        before=${COMP_WORDS[COMP_CWORD - 2]}"
    print "    fi"
    print "    for ((i = 1; i < COMP_CWORD; i++)); do"
    print "        word=${COMP_WORDS[i]}"
    print "        if [[ \"|${values[clickspoolctl $command]-}|\" == *\"|$word|\"* ]]; then"
    print "            [[ ${COMP_WORDS[i + 1]} == = ]] && ((i++))"
    print "            ((i++))"
    print "        elif [[ $word != -* && $word != = ]]; then"
    print "            case \"$command\" in"
    print "            '') command=$word ;;"
    print "            " pattern("above") ") command=\"$command $word\" ;;"
    print "            esac"
    print "        fi"
    print "    done"
    print "    case \"$before\" in"
    print "    " pattern("files") ")"
    print "        compopt -o filenames"
    print "        mapfile -t COMPREPLY < <(compgen -f -- \"$current\")"
    print "        return"
    print "        ;;"
    print "    " pattern("folders") ")"
    print "        compopt -o filenames"
    print "        mapfile -t COMPREPLY < <(compgen -d -- \"$current\")"
    print "        return"
    print "        ;;"
    print "    esac"
    print "    [[ \"|${values[clickspoolctl $command]-}|\" == *\"|$before|\"* ]] && return"
    print "    case \"$command\" in"
    print "    '') word=" quoted(top " " options[""]) " ;;"
    for (i = 1; i <= count; i++) {
        name = order[i]
        print "    " quoted(name) ") word=" \
              quoted(below[name] " " options[name]) " ;;"
    }
    print "    *) return ;;"
    print "    esac"
    print "    mapfile -t COMPREPLY < <(compgen -W \"$word\" -- \"$current\")"
    print "}"
    print "complete -o default -F _clickspoolctl clickspoolctl"
}
