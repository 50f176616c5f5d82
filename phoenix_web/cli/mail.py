"""`phoenix-web mail`, for a server that is not there to send, or not at this moment."""

from __future__ import annotations

import click

from phoenix_web.settings.key_files import session_secret
from phoenix_web.settings.settings import ConfigError, load
from phoenix_web.web.services import build


@click.group()
def mail() -> None:
    """Send the mails that wait."""


@mail.command()
def send() -> None:
    """Send what is due, once each, and say what became of it.

    A running server sends mails by itself; this may run beside it.
    """
    settings = load()
    held = build(settings, session_secret(settings))
    if held.mail is None:
        raise ConfigError(["PHOENIX_SMTP_HOSTNAME is not set, so there is nobody to give mails to"])
    try:
        held.database.upgrade()
        report = held.mail.sender.send_due()
    finally:
        held.database.dispose()
    click.echo(
        f"{report.sent} sent, {report.postponed} put off, {report.abandoned} given up", err=True
    )
