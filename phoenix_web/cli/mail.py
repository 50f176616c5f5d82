"""`phoenix-web mail`: sending queued mails without a running server."""

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
    """Send the mails that are due.

    Prints how many were sent, postponed and abandoned. A running server sends mails by itself. You
    can run this command at the same time.
    """
    settings = load()
    services = build(settings, session_secret(settings))
    if services.mail is None:
        raise ConfigError(["PHOENIX_SMTP_HOSTNAME is not set. Set it to send mail"])
    try:
        services.database.upgrade()
        report = services.mail.sender.send_due()
        services.mail.sender.purge_expired()
    finally:
        services.database.dispose()
    click.echo(
        f"{report.sent} sent, {report.postponed} postponed, {report.abandoned} abandoned", err=True
    )
