#!/usr/bin/env python3
"""Manual pages and the packaged configuration, out of what the programs are
made of, so that neither can say anything else.

    fill.py page TEMPLATE TABLE PROGRAM   @SETTINGS@, @COMMANDS@ and
                                          @FILTERS@ filled in
    fill.py conf TABLE                    clickspool.conf with every default

TABLE is common/settings_table.h, PROGRAM is clickspoolctl.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SETTING = re.compile(
    r'X\((\w+), (\w+), (\w+), "([^"]*)", "([^"]*)", (\w+), ((?:"[^"]*" ?)+)\)'
)
COMMAND = re.compile(r"^  (\w+)(?: NAME\S*)? +(.+)$", re.MULTILINE)
PARENT = "dead"  # the command that has commands of its own
ROW = re.compile(r"^  (?=\S)(.{17}) (\S.*)$")
FILTERS = "  --event NAME      entries of", "different options must all agree."
TYPES = {
    "TEXT": "text",
    "WORDS": "words between blanks",
    "SIZE": "size",
    "TIME": "time",
    "COUNT": "whole number",
    "DECIMAL": "number",
    "FLAG": "true or false",
    "CHOICE": "one of",
}
HEAD = """\
# Settings of clickspool-ingest, clickspool-shipper and clickspoolctl, each with
# its default; clickspool.conf(5) tells more. "clickspool-ingest --check" and
# "clickspool-shipper --check" judge this file, "systemctl reload" puts what is
# marked (reload) into force, and a restart the rest.
"""


class Setting(NamedTuple):
    section: str
    key: str
    type: str
    default: str
    range: str
    flags: str
    about: str


def settings(table: Path) -> list[Setting]:
    """In the order of the table; all of them, or AssertionError."""
    text = re.sub(r"\s*\\\n\s*", " ", table.read_text())
    found = [Setting(*match.groups()) for match in SETTING.finditer(text)]
    there = re.findall(r'X\(\w+, \w+, [A-Z]+, "', text)
    assert len(found) == len(there), "unread lines"
    return [
        one._replace(about="".join(re.findall(r'"([^"]*)"', one.about)))
        for one in found
    ]


def escaped(text: str) -> str:
    """For roff: a hyphen of a name is not one of a word."""
    return text.replace("\\", "\\e").replace("-", "\\-")


def settings_page(table: Path) -> Iterator[str]:
    section = ""
    for one in settings(table):
        if one.section != section:
            section = one.section
            yield f".SS [{section}]"
        default = f" = {one.default}" if one.default else ""
        kind = TYPES[one.type]
        if one.type == "CHOICE":
            kind += " " + one.range.replace("|", ", ")
        elif one.range:
            least, most = one.range.split("..")
            kind += f", {least} to {most}"
        if one.flags == "RELOAD":
            kind += "; reload"
        yield ".TP"
        yield f".BR {one.key} \"{escaped(default)}\"" if default else f".B {one.key}"
        about = escaped(one.about)
        yield f"{about[0].upper()}{about[1:]} ({escaped(kind)})."


def told(program: str, *words: str) -> list[str]:
    """What --help says, without the options that all commands have."""
    done = subprocess.run(
        [program, *words, "--help"], capture_output=True, text=True, check=True
    )
    return done.stdout.partition("\n  --config FILE")[0].splitlines()


def items(lines: list[str]) -> Iterator[str]:
    """Paragraphs, and what stands in two columns as names with their meaning."""
    for line in lines:
        if row := ROW.match(line):
            yield ".TP"
            yield f".B {escaped(row[1].rstrip())}"
            yield escaped(row[2])
        elif line.strip():
            yield escaped(line.strip())
        else:
            yield ".PP"


def filters_of(lines: list[str]) -> tuple[list[str], list[str]]:
    """The options that choose entries and what is said of them; the rest."""
    if not any(line.startswith(FILTERS[0]) for line in lines):
        return [], lines
    first = next(i for i, line in enumerate(lines) if line.startswith(FILTERS[0]))
    last = next(i for i, line in enumerate(lines) if line.endswith(FILTERS[1]))
    return lines[first : last + 1], lines[:first] + lines[last + 1 :]


def command_page(program: str, *words: str) -> Iterator[str]:
    usage, *lines = told(program, *words)
    yield f".SS \"{escaped(usage.removeprefix('Usage: clickspoolctl '))}\""
    yield from items(filters_of(lines)[1])


def commands_page(program: str) -> Iterator[str]:
    for name, _ in COMMAND.findall("\n".join(told(program))):
        yield from command_page(program, name)
        for below, _ in COMMAND.findall("\n".join(told(program, name))):
            if name == PARENT:
                yield from command_page(program, name, below)


def filters_page(program: str) -> Iterator[str]:
    yield from items(filters_of(told(program, "tail"))[0])


def page(template: Path, table: Path, program: str) -> str:
    lines: list[str] = []
    for line in template.read_text().splitlines():
        if line == "@SETTINGS@":
            lines += settings_page(table)
        elif line == "@COMMANDS@":
            lines += commands_page(program)
        elif line == "@FILTERS@":
            lines += filters_page(program)
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"


def conf(table: Path) -> str:
    lines = [HEAD]
    section = ""
    for one in settings(table):
        if one.section != section:
            lines += [""] * bool(section) + [f"[{one.section}]"]
            section = one.section
        reload = " (reload)" if one.flags == "RELOAD" else ""
        lines += [f"# {one.about}{reload}", f";{one.key} = {one.default}".rstrip()]
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> None:
    match arguments:
        case ["page", template, table, program]:
            sys.stdout.write(page(Path(template), Path(table), program))
        case ["conf", table]:
            sys.stdout.write(conf(Path(table)))
        case _:
            sys.exit(__doc__)


main(sys.argv[1:])
