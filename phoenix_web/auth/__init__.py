"""Rules for accounts and credentials. Nothing here imports Flask."""
