"""The part of CloudWatch's filter patterns that look-ups use.

word "two words" -not      all of these, and none of those
?"a" ?"b"                  any of these
{ $.a.b = "x" && $.n >= 3 } of JSON messages; && before ||, no brackets
"""

import json
import operator
import re
from collections.abc import Callable
from typing import Any

Match = Callable[[str], bool]

_TERM = re.compile(r'([-?]?)(?:"((?:[^"\\]|\\.)*)"|(\w+))(?:\s+|$)')
_CONDITION = re.compile(
    r'\s*\$\.([\w.]+)\s*(!?=|[<>]=?)\s*(?:"((?:[^"\\]|\\.)*)"|(-?\d+(?:\.\d+)?))\s*'
)

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


def compile_pattern(pattern: str) -> Match:
    """A predicate on messages; ValueError where we do not understand."""
    pattern = pattern.strip()
    if not pattern:
        return lambda message: True
    if pattern.startswith("{") and pattern.endswith("}"):
        return _json_pattern(pattern[1:-1])
    return _terms(pattern)


def _terms(pattern: str) -> Match:
    found: dict[str, list[str]] = {"": [], "?": [], "-": []}
    at = 0
    while at < len(pattern):
        term = _TERM.match(pattern, at)
        if not term:
            raise ValueError(f"at {pattern[at:]!r}")
        quoted, bare = term.group(2), term.group(3)
        text = bare if quoted is None else _unescape(quoted)
        found[term.group(1)].append(text)
        at = term.end()

    def match(message: str) -> bool:
        return (
            all(text in message for text in found[""])
            and not any(text in message for text in found["-"])
            and (not found["?"] or any(text in message for text in found["?"]))
        )

    return match


def _json_pattern(pattern: str) -> Match:
    choices = [
        [_condition(part) for part in choice.split("&&")]
        for choice in pattern.split("||")
    ]

    def match(message: str) -> bool:
        try:
            value = json.loads(message)
        except ValueError:
            return False
        return any(all(test(value) for test in choice) for choice in choices)

    return match


def _condition(text: str) -> Callable[[Any], bool]:
    parsed = _CONDITION.fullmatch(text)
    if not parsed:
        raise ValueError(f"at {text!r}")
    path, sign, quoted, number = parsed.groups()
    wanted: str | float = float(number) if quoted is None else _unescape(quoted)
    if sign in _ORDER and quoted is not None:
        raise ValueError(f"{sign} is of numbers: {text!r}")

    def test(value: Any) -> bool:
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if value is None or isinstance(value, bool):
            return False
        if sign in _ORDER:
            return isinstance(value, int | float) and _ORDER[sign](value, wanted)
        return bool((value == wanted) == (sign == "="))

    return test


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
