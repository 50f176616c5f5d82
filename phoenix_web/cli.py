"""The command line, for administrators without a browser."""

from __future__ import annotations

import sys

import click

from phoenix_web.config import ConfigError, load


@click.group()
def main() -> None:
    """Serve phoenix_web, and administer it without a browser."""


@main.command()
def serve() -> None:
    """Serve until stopped."""
    from phoenix_web.serving import Server

    try:
        Server(load()).run()
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(1) from None
