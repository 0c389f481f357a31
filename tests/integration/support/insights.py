"""The part of CloudWatch Logs Insights that the ready queries use: a query is
parsed strictly, and run over what is stored.

    filter a = "x" and (b >= 4 or ispresent(c))
    fields a, strcontains(b, "x") as c
    stats count(*) as n, count_distinct(a), max(b) * 100 as m by c, d
    sort n desc
    dedup a
    limit 10

The user guide's rules hold: nothing but limit after dedup; at most two stats,
the second over names of the first; sort and limit behind the last of them.
"""

import json
import math
import re
from collections.abc import Callable
from typing import Any

Row = dict[str, Any]
Value = Callable[[Row], Any]
Aggregate = Callable[[list[Row]], Any]

_TOKEN = re.compile(
    r'\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<number>\d+(?:\.\d+)?)'
    r"|(?P<name>@?[A-Za-z_][\w.]*)|(?P<sign>!=|>=|<=|[=<>*/+\-(),\[\]]))"
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
}
_AGGREGATES = ("count", "count_distinct", "max", "min", "sum", "avg", "pct")


class _Tokens:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text.rstrip()):
            found = _TOKEN.match(text, at)
            if not found:
                raise ValueError(f"unexpected {text[at : at + 20]!r}")
            kind = str(found.lastgroup)
            self.tokens.append((kind, found.group(kind)))
            at = found.end()

    def peek(self) -> str:
        return self.tokens[0][1] if self.tokens else ""

    def take(self, *wanted: str) -> str:
        """The next token where it is one of these, or "" """
        if self.tokens and self.peek().lower() in wanted:
            return self.tokens.pop(0)[1].lower()
        return ""

    def need(self, wanted: str) -> None:
        if not self.take(wanted):
            raise ValueError(f"{wanted} is missing at {self.peek()!r}")

    def name(self) -> str:
        if not self.tokens or self.tokens[0][0] != "name":
            raise ValueError(f"{self.peek()!r} is no name")
        return self.tokens.pop(0)[1]

    def end(self) -> None:
        if self.tokens:
            raise ValueError(f"{self.peek()!r} is too much")


# Expressions over one row


def _either(tokens: _Tokens) -> Value:
    left = _both(tokens)
    while tokens.take("or"):
        left = _joined(left, _both(tokens), any)
    return left


def _both(tokens: _Tokens) -> Value:
    left = _comparison(tokens)
    while tokens.take("and"):
        left = _joined(left, _comparison(tokens), all)
    return left


def _joined(left: Value, right: Value, join: Callable[..., bool]) -> Value:
    return lambda row: join((left(row), right(row)))


def _comparison(tokens: _Tokens) -> Value:
    left = _value(tokens)
    sign = tokens.take(*_COMPARE)
    if not sign:
        return left
    right, compare = _value(tokens), _COMPARE[sign]

    def judge(row: Row) -> bool:
        a, b = left(row), right(row)
        if isinstance(a, str) != isinstance(b, str):
            return False  # absent, or of another kind
        return a is not None and b is not None and compare(a, b)

    return judge


def _value(tokens: _Tokens) -> Value:
    if tokens.take("("):
        inner = _either(tokens)
        tokens.need(")")
        return inner
    if not tokens.tokens:
        raise ValueError("something is missing at the end")
    kind, text = tokens.tokens[0]
    if kind in ("text", "number"):
        tokens.tokens.pop(0)
        constant = json.loads(text)
        return lambda row: constant
    name = tokens.name()
    if not tokens.take("("):
        return lambda row: row.get(name)
    return _function(name.lower(), tokens)


def _function(name: str, tokens: _Tokens) -> Value:
    first = _value(tokens)
    if name == "ispresent":
        tokens.need(")")
        return lambda row: first(row) is not None
    if name == "strcontains":
        tokens.need(",")
        second = _value(tokens)
        tokens.need(")")
        return lambda row: int(str(second(row)) in str(first(row) or ""))
    raise ValueError(f"there is no function {name}")


# Aggregates over many


def _aggregate(tokens: _Tokens) -> tuple[str, Aggregate]:
    name = tokens.name().lower()
    if name not in _AGGREGATES:
        raise ValueError(f"{name} is no aggregate")
    tokens.need("(")
    if name == "count" and tokens.take("*"):
        value: Value = lambda row: 1  # noqa: E731
        text = "*"
    else:
        text = tokens.peek()
        value = _value(tokens)
    part = 0.0
    if name == "pct":
        tokens.need(",")
        part = float(_value(tokens)({}))
    tokens.need(")")
    factor = float(_value(tokens)({})) if tokens.take("*") else 1

    def compute(rows: list[Row]) -> Any:
        values = [found for row in rows if (found := value(row)) is not None]
        result = _computed(name, values, part)
        return result * factor if result is not None and factor != 1 else result

    return f"{name}({text})", compute


def _computed(name: str, values: list[Any], part: float) -> Any:
    if name == "count":
        return len(values)
    if name == "count_distinct":
        return len(set(values))
    if not values:
        return None
    if name == "avg":
        return sum(values) / len(values)
    if name == "pct":
        return sorted(values)[max(0, math.ceil(len(values) * part / 100) - 1)]
    return {"max": max, "min": min, "sum": sum}[name](values)


class Query:
    """A query that breaks no rule; ValueError where it does."""

    def __init__(self, text: str) -> None:
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        self.columns: list[str] = ["@timestamp", "@message"]
        self.steps: list[Callable[[list[Row]], list[Row]]] = []
        self.stats = 0
        self._names: set[str] = set()  # of the first stats
        commands = [part.strip() for part in "\n".join(lines).split("\n| ")]
        words = [command.split(None, 1)[0].lower() for command in commands]
        for at, word in enumerate(words):
            if word == "dedup" and set(words[at + 1 :]) - {"limit"}:
                raise ValueError("only limit may follow dedup")
            if word in ("sort", "limit", "dedup") and "stats" in words[at:]:
                raise ValueError(f"{word} before stats")
        for command in commands:
            word, _, rest = command.partition(" ")
            tokens = _Tokens(rest)
            parse = getattr(self, f"_parse_{word.lower()}", None)
            if not parse:
                raise ValueError(f"there is no command {word}")
            self.steps.append(parse(tokens))
            tokens.end()

    def run(self, rows: list[Row]) -> list[Row]:
        for step in self.steps:
            rows = step(rows)
        return [
            {name: row[name] for name in self.columns if row.get(name) is not None}
            for row in rows
        ]

    def _parse_filter(self, tokens: _Tokens) -> Callable[[list[Row]], list[Row]]:
        judge = _either(tokens)
        return lambda rows: [row for row in rows if judge(row)]

    def _parse_fields(self, tokens: _Tokens) -> Callable[[list[Row]], list[Row]]:
        made: list[tuple[str, Value]] = []
        while not made or tokens.take(","):
            text = tokens.peek()
            value = _either(tokens)
            made.append((tokens.name() if tokens.take("as") else text, value))
        self.columns = [name for name, _ in made]
        return lambda rows: [
            row | {name: value(row) for name, value in made} for row in rows
        ]

    def _parse_stats(self, tokens: _Tokens) -> Callable[[list[Row]], list[Row]]:
        self.stats += 1
        if self.stats > 2:
            raise ValueError("a third stats")
        if self.stats == 2:
            for kind, text in tokens.tokens:
                known = text in self._names or text in ("as", "by", *_AGGREGATES)
                made = re.search(rf"as {re.escape(text)}\b", self._text(tokens))
                if kind == "name" and not known and not made:
                    raise ValueError(f"{text} is none of the first stats")
        made_of: list[tuple[str, Aggregate]] = []
        while not made_of or tokens.take(","):
            name, compute = _aggregate(tokens)
            made_of.append((tokens.name() if tokens.take("as") else name, compute))
        by: list[str] = []
        if tokens.take("by"):
            by.append(tokens.name())
            while tokens.take(","):
                by.append(tokens.name())
        self.columns = by + [name for name, _ in made_of]
        self._names = set(self.columns)

        def group(rows: list[Row]) -> list[Row]:
            groups: dict[tuple[Any, ...], list[Row]] = {}
            for row in rows:
                groups.setdefault(tuple(row.get(name) for name in by), []).append(row)
            return [
                dict(zip(by, key, strict=True))
                | {name: compute(members) for name, compute in made_of}
                for key, members in groups.items()
            ]

        return group

    @staticmethod
    def _text(tokens: _Tokens) -> str:
        return " ".join(text for _, text in tokens.tokens)

    def _parse_sort(self, tokens: _Tokens) -> Callable[[list[Row]], list[Row]]:
        name = tokens.name()
        falling = tokens.take("asc", "desc") != "asc"
        return lambda rows: sorted(rows, key=lambda row: row[name], reverse=falling)

    def _parse_dedup(self, tokens: _Tokens) -> Callable[[list[Row]], list[Row]]:
        name = tokens.name()

        def first_of_each(rows: list[Row]) -> list[Row]:
            seen: set[Any] = set()
            kept: list[Row] = []
            for row in rows:
                if row.get(name) is None or row[name] not in seen:
                    kept.append(row)
                seen.add(row.get(name))
            return kept

        return first_of_each

    def _parse_limit(self, tokens: _Tokens) -> Callable[[list[Row]], list[Row]]:
        count = int(_value(tokens)({}))
        return lambda rows: rows[:count]


def flatten(value: Any, name: str = "") -> Row:
    """The fields that are discovered in a JSON message, by dotted names."""
    if isinstance(value, dict):
        inner = {f"{name}.{key}" if name else key: value[key] for key in value}
    elif isinstance(value, list):
        inner = {f"{name}.{at}": item for at, item in enumerate(value)}
    else:
        return {name: value}
    found: Row = {}
    for path, item in inner.items():
        found |= flatten(item, path)
    return found
