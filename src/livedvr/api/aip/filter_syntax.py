"""The filter language (AIP-160): text -> tree, and back.

    filter     = [ all ]
    all        = either { [ "AND" ] either }         (a blank between two terms is an AND)
    either     = term { "OR" term }                  (OR binds tighter than AND: the AIP's own rule)
    term       = [ "NOT" | "-" ] ( "(" all ")" | comparison )
    comparison = path ( "=" | "!=" | "<" | "<=" | ">" | ">=" | ":" ) value
    path       = name { "." name }                   (a map's key may be quoted)
    value      = quoted | anything without blanks, quotes, brackets and signs of comparison

Words without a comparison (the AIP's search in all fields) and functions are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from livedvr.api.aip.values import printable
from livedvr.resources.errors import InvalidArgument

FIELD = "filter"
LONGEST = 4096
DEEPEST = 32

_BLANK = re.compile(r"\s*")
_NAME = re.compile(r"""[^\s()"'.,:=<>!*\\-][^\s()"'.,:=<>!*\\]*""")
_QUOTED = re.compile(r""""((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'""", re.DOTALL)
_OPERATOR = re.compile(r"<=|>=|!=|[<>=:]")
_VALUE = re.compile(r"""[^\s()"',=<>!]+""")
_KEYWORD = re.compile(r"(AND|OR|NOT)(?=[\s()\"'-]|$)")
_KEYWORDS = ("AND", "OR", "NOT")


@dataclass(frozen=True, slots=True)
class Comparison:
    """``create_time > "2026-11-21T14:00:00Z"``. ``position``: where it begins, in characters from 1."""

    path: tuple[str, ...]
    operator: str
    value: str
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        path = ".".join(name if _NAME.fullmatch(name) and name not in _KEYWORDS else _quote(name) for name in self.path)
        return f"{path} {self.operator} {_quote(self.value)}"


@dataclass(frozen=True, slots=True)
class Not:
    """What its part is not."""

    part: Tree

    def __str__(self) -> str:
        return f"NOT {_inner(self.part)}"


@dataclass(frozen=True, slots=True)
class All:
    """Two or more parts that are all true."""

    parts: tuple[Tree, ...]

    def __str__(self) -> str:
        return " AND ".join(map(_inner, self.parts))


@dataclass(frozen=True, slots=True)
class Either:
    """Two or more parts of which one is true."""

    parts: tuple[Tree, ...]

    def __str__(self) -> str:
        return " OR ".join(map(_inner, self.parts))


Tree = Comparison | Not | All | Either


def parse_filter(text: str) -> Tree | None:
    """The tree of a filter, None when it is empty. InvalidArgument names ``filter`` and the position."""
    if len(text) > LONGEST:
        raise InvalidArgument("it is too long", field=FIELD, hint=f"{LONGEST} characters at most")
    return _Parser(text).filter()


def refusal(problem: str, position: int, hint: str | None = None) -> InvalidArgument:
    """INVALID_ARGUMENT with where it is."""
    return InvalidArgument(f"{problem} at character {position}", field=FIELD, hint=hint)


def _inner(part: Tree) -> str:
    return str(part) if isinstance(part, Comparison) else f"({part})"


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class _Parser:
    """By descent; ``at`` is the next character that is no blank."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.depth = text, 0, 0
        self._move(0)

    def _move(self, to: int) -> None:
        blank = _BLANK.match(self.text, to)
        self.at = blank.end() if blank else to

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self.text, self.at)
        if match:
            self._move(match.end())
        return match

    def _take_word(self, *words: str) -> bool:
        match = _KEYWORD.match(self.text, self.at)
        if match is None or match[1] not in words:
            return False
        self._move(match.end())
        return True

    def _next(self) -> str:
        return self.text[self.at : self.at + 1]

    def _refusal(self, problem: str, hint: str | None = None) -> InvalidArgument:
        return refusal(problem, self.at + 1, hint)

    def filter(self) -> Tree | None:
        if not self._next():
            return None
        tree = self._all()
        if self._next():
            raise self._refusal(f"'{printable(self._next())}' is not expected")
        return tree

    def _all(self) -> Tree:
        parts = [self._either()]
        while self._take_word("AND") or self._next() not in ("", ")"):
            parts.append(self._either())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _either(self) -> Tree:
        parts = [self._term()]
        while self._take_word("OR"):
            parts.append(self._term())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _term(self) -> Tree:
        if self._take_word("NOT"):
            return Not(self._simple())
        if self._next() == "-":
            self._move(self.at + 1)
            return Not(self._simple())
        return self._simple()

    def _simple(self) -> Tree:
        if self._next() != "(":
            return self._comparison()
        self.depth += 1
        if self.depth > DEEPEST:
            raise self._refusal("it is nested too deeply", f"{DEEPEST} levels at most")
        self._move(self.at + 1)
        tree = self._all()
        if self._next() != ")":
            raise self._refusal("a closing bracket is missing")
        self._move(self.at + 1)
        self.depth -= 1
        return tree

    def _comparison(self) -> Comparison:
        start = self.at + 1
        path = self._path()
        if self._next() == "(":
            raise refusal("functions are not offered", start)
        operator = self._take(_OPERATOR)
        if operator is None:
            raise refusal("a word alone (a search in all fields) is not offered", start, 'write field = "value"')
        return Comparison(path, operator[0], self._value(), start)

    def _path(self) -> tuple[str, ...]:
        names = [self._name()]
        while self._next() == ".":
            self._move(self.at + 1)
            names.append(self._name())
        return tuple(names)

    def _name(self) -> str:
        if self._next() in ('"', "'"):
            return self._quoted()
        match = _NAME.match(self.text, self.at)
        if match is None or match[0] in _KEYWORDS:
            raise self._refusal("the name of a field is expected")
        self._move(match.end())
        return match[0]

    def _value(self) -> str:
        if self._next() in ('"', "'"):
            return self._quoted()
        if self._next() == "(":
            raise self._refusal("one value is expected", "write each comparison by itself: a = 1 OR a = 2")
        match = _VALUE.match(self.text, self.at)
        if match is None or match[0] in _KEYWORDS:
            raise self._refusal("a value is expected")
        self._move(match.end())
        return match[0]

    def _quoted(self) -> str:
        match = _QUOTED.match(self.text, self.at)
        if match is None:
            raise self._refusal("the string is not closed")
        self._move(match.end())
        return re.sub(r"\\(.)", r"\1", match[1] or match[2] or "", flags=re.DOTALL)
