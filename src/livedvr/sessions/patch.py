"""What a patch of a session's windows means, or why it is refused (SEMANTICS S6-S10, S13). Pure."""

from __future__ import annotations

from collections.abc import Sequence

from livedvr.resources.errors import FailedPrecondition
from livedvr.resources.times import SECOND, format_time
from livedvr.sessions.plan import is_over
from livedvr.sessions.states import TRANSITIONS, Event, State
from livedvr.timeline.segment import Window
from livedvr.timeline.timeline import Listed, Timeline

COOLDOWN = 60 * SECOND  # from the moment at which the end can be seen to the new edition (S7)

_PATCHABLE = tuple(s for s in State if {Event.PATCHED, Event.AMENDED} & TRANSITIONS[s].keys())


def check_patchable(state: State, cooldown_until: int | None) -> None:
    """FAILED_PRECONDITION unless a session in this state can be patched at all (S6, S13)."""
    if state in _PATCHABLE:
        return
    if state is State.COOLDOWN:
        until = "60 s after its end has been stored" if cooldown_until is None else f"at {format_time(cooldown_until)}"
        hint = f"COOLDOWN is over {until}; until then it can only be deleted"
    else:
        hint = f"possible in {', '.join(_PATCHABLE)}"
    raise FailedPrecondition(f"a session that is {state} cannot be patched", field="state", hint=hint)


def judge_patch(
    state: State,
    published: Sequence[Listed],
    windows: Sequence[Window],
    timeline: Timeline,
    now: int,
    frontier: int | None,
) -> Event:
    """The event that a patch to ``windows`` is, for a session in a state that `check_patchable` has let pass.

    Args:
        state: PENDING, SCHEDULED, LIVE or FINISHED.
        published: what the reference rendition's playlist of the present edition lists.
        windows: the windows asked for.
        timeline: the channel's.
        now: the instant of the patch.
        frontier: as in `Facts`.
    """
    if state is State.LIVE:
        return _judge_live(published, windows, timeline, now)
    if state is State.FINISHED and is_over(windows, frontier) and not timeline.has_media(windows):
        raise FailedPrecondition(
            "there is no media in these windows", field="dvrWindows", hint="the session stays as it is"
        )
    return Event.PATCHED


def _judge_live(published: Sequence[Listed], windows: Sequence[Window], timeline: Timeline, now: int) -> Event:
    """S7-S9: what is published stays, or is cut off behind; anything else would rewrite what players have read."""
    wanted = list(timeline.listing(timeline.reference, windows))
    common = min(len(published), len(wanted))
    stays = list(published[:common]) == wanted[:common]
    end = windows[-1].end
    if stays and common and end is not None and end <= now:
        return Event.CUT
    if stays and common == len(published):
        return Event.AMENDED
    first, last = published[0].segment.start, published[-1].segment.end
    raise FailedPrecondition(
        f"it would remove or reorder segments that are published: {format_time(first)} to {format_time(last)}",
        field="dvrWindows",
        hint="a LIVE session can be extended, be given later windows, or end now or earlier",
    )
