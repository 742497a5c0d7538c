"""What a rule is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeVar


class Level(StrEnum):
    """How binding a rule is."""

    MUST = "MUST"  # the playlist is not valid
    SHOULD = "SHOULD"  # some players will suffer
    NOTE = "NOTE"  # worth knowing; nothing is wrong


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where a rule is not kept.

    Attributes:
        rule_id: stable name of the rule, e.g. ``targetduration-exceeded``.
        level: how binding it is.
        section: of RFC 8216bis.
        playlist: what the playlist is called.
        line: counted from 1; None when the whole playlist is meant.
        message: what is there, with the numbers.
        fix: what to do.
    """

    rule_id: str
    level: Level
    section: str
    playlist: str
    line: int | None
    message: str
    fix: str

    @property
    def where(self) -> str:
        """``playlist:line``."""
        return self.playlist if self.line is None else f"{self.playlist}:{self.line}"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the specification: its stable id, how binding it is, its section, and how to keep it."""

    id: str
    level: Level
    section: str
    fix: str

    def at(self, playlist: str, line: int | None, message: str) -> Finding:
        """It is broken here."""
        return Finding(self.id, self.level, self.section, playlist, line, message, self.fix)


Broken = Iterable[tuple[int | None, str]]  # line and message of each place


class Named(Protocol):
    """What a check looks at: a playlist, or a playlist and the version of it before."""

    @property
    def name(self) -> str:
        """What findings call it."""


Subject = TypeVar("Subject", bound=Named)


@dataclass(frozen=True, slots=True)
class Check(Generic[Subject]):
    """A rule and how one playlist, or one reload of it, is held against it."""

    rule: Rule
    look: Callable[[Subject], Broken]

    def __call__(self, subject: Subject) -> Iterator[Finding]:
        """All places that break the rule."""
        for line, message in self.look(subject):
            yield self.rule.at(subject.name, line, message)


def rule(id: str, level: Level, section: str, *, fix: str) -> Callable[[Callable[[Subject], Broken]], Check[Subject]]:
    """Make a function that yields (line, message) the check of a rule."""
    return lambda look: Check(Rule(id, level, section, fix), look)
