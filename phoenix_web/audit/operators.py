"""Whoever runs a command: the operating system's word is all that is known of them."""

from __future__ import annotations

import os
import pwd
import socket

from phoenix_web.audit.events import COMMAND_LINE, Circumstances


def by_operator() -> Circumstances:
    """Return that the user of this process does something, on this machine."""
    user_id = os.getuid()
    try:
        name = pwd.getpwuid(user_id).pw_name
    except KeyError:  # as in many containers
        name = f"uid {user_id}"
    agent = f"phoenix-web on {socket.gethostname()}"
    return Circumstances(name=name, credential_kind=COMMAND_LINE, agent=agent)
