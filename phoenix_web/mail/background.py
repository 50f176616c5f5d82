"""The thread that sends mails beside the requests of a worker."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from phoenix_web.errors import PhoenixError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from phoenix_web.mail.sender import MailSender

#: How often a worker looks for mails. Nothing wakes it earlier: what a request has written down
#: must not cost the answer to it any time.
_INTERVAL_SECONDS: Final = 1.0
_AFTER_FAILURE_SECONDS: Final = 10.0
#: How long a worker that is told to stop waits for the delivery under way. One that is cut off is
#: tried again by another worker; at worst its mail arrives twice.
_PATIENCE_SECONDS: Final = 15.0

_log = logging.getLogger(__name__)


@contextmanager
def sending(sender: MailSender, is_wanted: Callable[[], bool] = lambda: True) -> Iterator[None]:
    """Send mails by *sender* in a thread while the block runs.

    The thread takes no further mail once *is_wanted* returns False.
    """
    over = threading.Event()

    def keep_going() -> bool:
        return is_wanted() and not over.is_set()

    thread = threading.Thread(
        target=_run, args=(sender, keep_going, over), name="mail", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(_PATIENCE_SECONDS)


def _run(sender: MailSender, keep_going: Callable[[], bool], over: threading.Event) -> None:
    pause = _INTERVAL_SECONDS
    while not over.wait(pause):
        pause = _INTERVAL_SECONDS
        try:
            sender.send_due(keep_going)
        except PhoenixError as error:
            # The database is busy or away; requests say so themselves.
            _log.info("no mail is sent for the moment: %s", error.message)
            pause = _AFTER_FAILURE_SECONDS
        except Exception:  # noqa: BLE001 - a thread that has died is noticed by nobody
            _log.exception("sending mails failed")
            pause = _AFTER_FAILURE_SECONDS
