"""Processes, ports and patience for tests on a busy machine."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

#: Far more than anything takes on a busy machine: only a fault waits so long.
PATIENCE_SECONDS = 300


def wait_until(is_true: Callable[[], object], reason: Callable[[], str] = str) -> None:
    """Return once *is_true*; fail with *reason* when that takes too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_true():
        assert time.monotonic() < deadline, reason()
        time.sleep(0.02)


@contextmanager
def running(
    command: Sequence[str | Path], end: signal.Signals = signal.SIGTERM, **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """Run *command* until the block ends, then send it *end*, and kill what does not end by it.

    The process gets *end* too when the tests themselves are killed, where Linux offers that.
    """
    setpriv = shutil.which("setpriv")
    watched = [setpriv, "--pdeathsig", end.name.removeprefix("SIG"), "--"] if setpriv else []
    process = subprocess.Popen([*watched, *command], start_new_session=True, **options)
    try:
        yield process
    finally:
        process.send_signal(end)  # does nothing to a process that the test has ended and awaited
        try:
            process.wait(PATIENCE_SECONDS)
        finally:
            # The children of a killed process, and what did not end.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def reserved_port() -> Iterator[int]:
    """Yield a port of 127.0.0.1 that the system gives to no other process until the block ends.

    The socket that reserves it does not listen, so a server can: all of them set `SO_REUSEADDR`.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]
