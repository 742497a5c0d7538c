"""Virtual time: one queue of events for the world and for every controller's event loop. Nothing sleeps, no threads."""

from __future__ import annotations

import asyncio
import contextvars
import heapq
import random
import re
from asyncio import events
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from livedvr.resources.times import SECOND, format_time

START = 1_795_226_400 * SECOND  # 2026-11-21T02:00:00Z


class Violation(Exception):
    """An invariant does not hold."""

    def __init__(self, invariant: str, text: str) -> None:
        super().__init__(f"{invariant}: {text}")
        self.invariant = invariant
        self.text = text


class Dead(BaseException):
    """Thrown into what a dead controller was doing."""


class World:
    """What goes on whether a controller lives or not: time, chance, the trace, the counts."""

    def __init__(self, seed: str) -> None:
        self.rng = random.Random(seed)
        self.now = START
        self.steps = 0
        self.checked: Counter[str] = Counter()
        self.injected: Counter[str] = Counter()
        self.trace: deque[tuple[int, int, str, tuple[object, ...]]] = deque(maxlen=20_000)
        self.violation: Violation | None = None
        self.crash: tuple[int, Callable[[], None]] | None = None  # at which step, and what dies then
        self._ready: deque[asyncio.Handle] = deque()
        self._queue: list[tuple[int, int, asyncio.Handle | Callable[[], None]]] = []
        self._count = 0

    def note(self, text: str, *values: object) -> None:
        """A line of the trace; formatted only when it is shown."""
        self.trace.append((self.steps, self.now, text, values))

    def fault(self, kind: str, *values: object) -> None:
        """A fault has been injected."""
        self.injected[kind] += 1
        self.note("FAULT " + kind + " %s" * len(values), *values)

    def fail(self, invariant: str, text: str) -> None:
        """An invariant does not hold; the run ends after the present step."""
        if self.violation is None:
            self.violation = Violation(invariant, text)

    def check(self, invariant: str, holds: bool, text: Callable[[], str]) -> None:
        """Count an invariant as checked, and fail when it does not hold."""
        self.checked[invariant] += 1
        if not holds:
            self.fail(invariant, text())

    def at(self, when: int, act: Callable[[], None]) -> None:
        """Something happens in the world at that instant."""
        self._push(when, act)

    def after(self, micros: int, act: Callable[[], None]) -> None:
        """Something happens in the world that much later."""
        self._push(self.now + micros, act)

    def soon(self, handle: asyncio.Handle) -> None:
        """A callback of a loop, at this instant, behind those that wait."""
        self._ready.append(handle)

    def _push(self, when: int, what: asyncio.Handle | Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._queue, (max(when, self.now), self._count, what))

    def timer(self, when: int, handle: asyncio.Handle) -> None:
        """A callback of a loop at that instant."""
        self._push(when, handle)

    def run_until(self, until: int) -> None:
        """Let the world go on; raises Violation."""
        ready, queue = self._ready, self._queue
        while True:
            while ready:
                self._step(ready.popleft())
            if not queue or queue[0][0] > until:
                self.now = until
                return
            self.now, _, what = heapq.heappop(queue)
            if isinstance(what, asyncio.Handle):
                self._step(what)
            else:
                what()
                self._after_step()

    def _step(self, handle: asyncio.Handle) -> None:
        loop: SimLoop = handle._loop  # type: ignore[attr-defined]
        if loop.dead or handle._cancelled:  # type: ignore[attr-defined]
            return
        self.steps += 1
        events._set_running_loop(loop)
        handle._run()
        events._set_running_loop(None)
        self._after_step()

    def _after_step(self) -> None:
        if self.violation is not None:
            raise self.violation
        if self.crash is not None and self.steps >= self.crash[0]:
            _, die = self.crash
            self.crash = None
            die()

    def story(self, last: int = 60) -> str:
        """The trace, readable: what concerns the session that the violation names, then the last part of all."""
        named = re.findall(r"\bs\d+\b", self.violation.text)[:1] if self.violation else []
        lines = [
            f"{step:>9}  {format_time(now)[11:-1]}  {text % values if values else text}"
            for step, now, text, values in self.trace
        ]
        about = [line for line in lines[:-last] if named and re.search(rf"\b{named[0]}\b", line)]
        return "\n".join([*about[-80:], "...", *lines[-last:]])


class SimLoop(asyncio.AbstractEventLoop):
    """One controller's event loop in the world. Once `dead`, none of its callbacks runs any more."""

    def __init__(self, world: World, name: str, latency: Callable[[], tuple[int, int]]) -> None:
        self.world = world
        self.name = name
        self.dead = False
        self.drains = False  # it has ended in good order: what its worker threads have in hand is still done
        self._tasks: dict[asyncio.Task[Any], Any] = {}
        self._latency = latency  # of a call in a worker thread: until it is done, and until its answer comes

    def call_soon(self, callback: Any, *args: Any, context: contextvars.Context | None = None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        if not self.dead:
            self.world.soon(handle)
        return handle

    call_soon_threadsafe = call_soon

    def call_later(self, delay: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        if not self.dead:
            self.world.timer(START + round(when * 1e6), handle)
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """A cancelled timer stays in the queue until it would be due."""

    def time(self) -> float:
        return (self.world.now - START) / 1e6

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: Any = None, context: Any = None) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, name=name, context=context)
        self._tasks[task] = coro
        task.add_done_callback(lambda task: self._tasks.pop(task, None))
        return task

    def die(self) -> None:
        """No callback runs any more. What still waits is unwound, which reaches nobody: every way out is closed."""
        self.dead = True
        for task, coro in self._tasks.items():
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            for _ in range(50):
                try:
                    coro.throw(Dead())
                except BaseException:  # noqa: BLE001 - it has ended, or it has not begun
                    break
        self._tasks.clear()

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
        """The call is made at once or later, and its answer comes at once or later; both die with the loop."""
        answer = self.create_future()
        if self.dead:
            return answer
        until_done, until_answer = self._latency()
        self.world.after(until_done, lambda: self._call(func, args, answer, until_answer))
        return answer

    def _call(self, func: Any, args: Any, answer: asyncio.Future[Any], until_answer: int) -> None:
        if self.dead and not self.drains:
            return
        try:
            result, error = func(*args), None
        except Exception as raised:  # noqa: BLE001 - whatever it is, it is the caller's answer
            result, error = None, raised
        if until_answer:
            self.world.after(until_answer, lambda: self._answer(answer, result, error))
        else:
            self._answer(answer, result, error)

    def _answer(self, answer: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
        if self.dead or answer.done():
            return
        if error is None:
            answer.set_result(result)
        else:
            answer.set_exception(error)

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return not self.dead

    def is_closed(self) -> bool:
        return self.dead

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not self.dead and not isinstance(error, Violation):
            self.world.fail("no unhandled error", f"{context.get('message')}: {error!r}")


class SimClock:
    """A `livedvr.wallclock.WallClock` in virtual time."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> int:
        return self._world.now

    async def wait(self, event: asyncio.Event, patience: int | None) -> None:
        if event.is_set():
            return
        if patience is None:
            await event.wait()
            return
        try:
            async with asyncio.timeout(patience / 1e6):
                await event.wait()
        except TimeoutError:
            pass
