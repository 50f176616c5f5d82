"""`phoenix-web mail`, for a server that is not there to send, or not at this moment."""

from __future__ import annotations

import click

from phoenix_web.settings import ConfigError, load
from phoenix_web.settings.key_files import session_secret
from phoenix_web.web.services import build


@click.group()
def mail() -> None:
    """Send queued mails."""


@mail.command()
def send() -> None:
    """Send due mails and print how many were sent, postponed and abandoned.

    A running server sends mails by itself. You can run this command at the same time.
    """
    settings = load()
    held = build(settings, session_secret(settings))
    if held.mail is None:
        raise ConfigError(["PHOENIX_SMTP_HOSTNAME is not set. Set it to send mail"])
    try:
        held.database.upgrade()
        report = held.mail.sender.send_due()
    finally:
        held.database.dispose()
    click.echo(
        f"{report.sent} sent, {report.postponed} postponed, {report.abandoned} abandoned", err=True
    )
