"""Writes the parts of docs/dvr-sessions.md that come from the code: the diagram and the table of its states."""

from __future__ import annotations

from pathlib import Path

from livedvr.sessions.states import TRANSITIONS, Event, State

DOCUMENT = Path(__file__).parent.parent / "docs" / "dvr-sessions.md"


def diagram() -> str:
    """The table as a Mermaid state diagram; delete, possible everywhere but in DELETING, is left out."""
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> PENDING: create"]
    for state, row in TRANSITIONS.items():
        ways: dict[State, list[Event]] = {}
        for event, following in row.items():
            if event is not Event.DELETE:
                ways.setdefault(following, []).append(event)
        for following, events in ways.items():
            lines.append(f"    {state} --> {following}: {' / '.join(events)}")
    return "\n".join([*lines, "```"])


def table() -> str:
    """Event x state -> state; an empty cell is refused, or does not happen."""
    lines = ["| what happens in | " + " | ".join(TRANSITIONS) + " |", "|---" * (len(TRANSITIONS) + 1) + "|"]
    for event in Event:
        cells = [row.get(event, "") for row in TRANSITIONS.values()]
        lines.append(f"| {event} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def drawn(text: str) -> str:
    """The document with its generated parts as the code has them now."""
    for name, part in (("diagram", diagram()), ("table", table())):
        begin, end = f"<!-- {name}: scripts/make-docs -->\n", f"<!-- /{name} -->"
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}{part}\n{end}{rest.partition(end)[2]}"
    return text


if __name__ == "__main__":
    DOCUMENT.write_text(drawn(DOCUMENT.read_text()))
