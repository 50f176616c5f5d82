"""Entry point of `python -m phoenix_web`, the same as the command `phoenix-web`."""

from phoenix_web.cli import main

main()
