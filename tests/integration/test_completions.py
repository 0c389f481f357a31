"""Completions know each command and each option that --help tells."""

import re
import subprocess
from pathlib import Path

import pytest

OPTION = re.compile(r"^  (?:(-[a-z]), )?(--[a-z-]+)(?: ([A-Z][A-Z=,]*))?", re.MULTILINE)
WORD = re.compile(r"^  ([a-z]+)(?: |$)", re.MULTILINE)
SHELLS = {"bash": "clickspoolctl", "zsh": "_clickspoolctl", "fish": "clickspoolctl.fish"}


def help_of(build: Path, *command: str) -> str:
    program = build / "shipper" / "clickspoolctl"
    done = subprocess.run(
        [program, *command, "--help"], capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.fixture(scope="module")
def commands(build: Path) -> dict[str, str]:
    """Each command and subcommand, and its help; "" is the program's own."""
    found = {"": help_of(build)}
    for word in WORD.findall(found[""]):
        found[word] = help_of(build, word)
    for word in WORD.findall(found["dead"]):
        found[f"dead {word}"] = help_of(build, "dead", word)
    assert {"status", "doctor", "dead ls"} <= set(found)
    return found


def options(text: str) -> set[str]:
    return {name for row in OPTION.findall(text) for name in row[:2] if name}


def words_below(commands: dict[str, str], command: str) -> set[str]:
    start = f"{command} " if command else ""
    names = {name[len(start) :] for name in commands if name.startswith(start)}
    return {name for name in names if name and " " not in name}


def completed(build: Path, *words: str) -> set[str]:
    """What bash offers for the last of the words."""
    script = """
    compopt() { :; }
    source "$1"; shift
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
    _clickspoolctl
    printf '%s\\n' "${COMPREPLY[@]}"
    """
    file = build / "completions" / SHELLS["bash"]
    done = subprocess.run(
        ["bash", "-u", "-c", script, "bash", file, "clickspoolctl", *words],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not done.stderr
    return set(done.stdout.split())


def test_bash_offers_each_command_and_option(
    build: Path, commands: dict[str, str]
) -> None:
    for command, text in commands.items():
        below = words_below(commands, command) if command in ("", "dead") else set()
        assert completed(build, *command.split(), "") == options(text) | below, command


def test_bash_knows_where_it_is(build: Path, tmp_path: Path) -> None:
    (tmp_path / "one.conf").touch()
    (tmp_path / "two").mkdir()
    assert completed(build, "sta") == {"stats", "status"}
    assert completed(build, "--config", "status", "dead", "s") == {"show"}
    assert completed(build, "--config", "=", "x", "tail", "--fo") == {"--follow"}
    assert completed(build, "tail", "--since", "") == set()
    assert completed(build, "tail", "-n", "5", "--fo") == {"--follow"}
    assert completed(build, "health", "--dead", "") == set()
    assert completed(build, "tail", "--dead", "--fo") == {"--follow"}
    assert completed(build, "--config", f"{tmp_path}/o") == {f"{tmp_path}/one.conf"}
    assert completed(build, "ls", "--dir", "=", f"{tmp_path}/") == {f"{tmp_path}/two"}
    assert completed(build, "nonsense", "") == set()


def test_zsh_has_each_command_and_option(build: Path, commands: dict[str, str]) -> None:
    text = (build / "completions" / SHELLS["zsh"]).read_text()
    assert text.startswith("#compdef clickspoolctl\n")
    functions = dict(re.findall(r"^(_\w+)\(\) \{\n(.*?)^\}", text, re.M | re.S))
    for command, told in commands.items():
        name = "_".join(["_clickspoolctl", *command.split()])
        body = functions[name]
        for option in options(told):
            assert re.search(rf"['{{,]{option}['\[}},]", body), (command, option)
        if command in ("", "dead"):
            for word in words_below(commands, command):
                assert f"\n        '{word}:" in body
    assert len(functions) == len(commands)


def test_fish_has_each_command_and_option(
    build: Path, commands: dict[str, str]
) -> None:
    text = (build / "completions" / SHELLS["fish"]).read_text()
    rows = text.splitlines()[2:]
    for command, told in commands.items():
        seen = [f"__fish_seen_subcommand_from {word}" for word in command.split()]
        when = f"-n '{'; and '.join(seen) or '__fish_use_subcommand'}'"
        mine = [row for row in rows if f" {when} " in row]
        for option in options(told):
            flag = f" -l {option[2:]} " if option[1] == "-" else f" -s {option[1]} "
            assert any(flag in f"{row} " for row in mine), (command, option)
        if command in ("", "dead"):
            for word in words_below(commands, command):
                assert any(f" -a {word} " in row for row in mine), word


@pytest.mark.parametrize("shell", SHELLS)
def test_the_same_program_gives_the_same_bytes(
    build: Path, shell: str
) -> None:
    generate = Path(__file__).resolve().parents[2] / "completions" / "generate.sh"
    done = subprocess.run(
        ["sh", generate, shell, build / "shipper" / "clickspoolctl"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == (build / "completions" / SHELLS[shell]).read_text()
    for row in done.stdout.splitlines():
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", row)
