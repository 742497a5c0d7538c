"""How a command ends: an error of ours is one line on stderr and an exit code."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from livedvr.resources.errors import (
    Aborted,
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    LiveDvrError,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    StorageError,
    Superseded,
    Unimplemented,
    Unreachable,
)

INTERNAL, USAGE, NOT_FOUND, STORAGE, UNREACHABLE, REFUSED, INTERRUPTED = 1, 2, 3, 4, 5, 6, 130

EPILOG = """Exit codes: 0 done; 2 bad usage, or what livedvr does not do; 3 not found; 4 storage; 5 the server cannot be
reached, is no livedvr, or does not let this token in; 6 it exists, is taken, or is not possible in the state it is in;
130 interrupted while it waited."""

_EXIT_CODES: tuple[tuple[type[LiveDvrError], int], ...] = (
    (InvalidArgument, USAGE),
    (Unimplemented, USAGE),
    (NotFound, NOT_FOUND),
    (Superseded, REFUSED),
    (StorageError, STORAGE),
    (Unreachable, UNREACHABLE),
    (PermissionDenied, UNREACHABLE),
    (FailedPrecondition, REFUSED),
    (Aborted, REFUSED),
    (AlreadyExists, REFUSED),
    (ResourceExhausted, REFUSED),
)


@contextmanager
def reported(option: Callable[[str], str | None]) -> Iterator[None]:
    """``option``: from a field to the option that the user gave for it; None where the message says it all."""
    # A shell script starts what it puts in the background with SIGINT ignored: nobody could end one that waits.
    if threading.current_thread() is threading.main_thread():  # handlers are for this one alone
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except LiveDvrError as error:
        error.field = None if error.field is None else option(error.field)
        note(str(error))
        sys.exit(next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), INTERNAL))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def note(text: str) -> None:
    """A line for the user that is no result."""
    click.echo(f"livedvr: {text}", err=True)
