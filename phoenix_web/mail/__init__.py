"""Outgoing mail: outbox, message composition, SMTP and the sending thread; without Flask."""
