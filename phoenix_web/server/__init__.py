"""Start-up: the accounts and tables that must exist, logging and gunicorn."""
