"""The thread of a worker that sends mails."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from phoenix_web.errors import PhoenixError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from phoenix_web.mail.sender import MailSender

#: The interval between checks of the outbox. Requests do not wake the thread, so that queueing a
#: mail adds no work to a response.
_INTERVAL_SECONDS: Final = 1.0
_AFTER_FAILURE_SECONDS: Final = 10.0
#: How long a stopping worker waits for the current delivery. Another worker retries an interrupted
#: delivery, so in the worst case the mail arrives twice.
_STOP_SECONDS: Final = 15.0

_log = logging.getLogger(__name__)


@contextmanager
def sending(sender: MailSender, may_continue: Callable[[], bool] = lambda: True) -> Iterator[None]:
    """Send mails through *sender* in a thread while the block runs.

    The thread claims no further mail once *may_continue* returns False.
    """
    stopped = threading.Event()

    def should_continue() -> bool:
        return may_continue() and not stopped.is_set()

    thread = threading.Thread(
        target=_run, args=(sender, should_continue, stopped), name="mail", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(_STOP_SECONDS)


def _run(sender: MailSender, should_continue: Callable[[], bool], stopped: threading.Event) -> None:
    pause = _INTERVAL_SECONDS
    while not stopped.wait(pause):
        pause = _INTERVAL_SECONDS
        try:
            sender.send_due(should_continue)
        except PhoenixError as error:
            # The database is busy or unreachable, which requests log themselves.
            _log.info("mails cannot be sent at the moment: %s", error.message)
            pause = _AFTER_FAILURE_SECONDS
        except Exception:  # noqa: BLE001 - the thread must survive any error
            _log.exception("sending mails failed")
            pause = _AFTER_FAILURE_SECONDS
