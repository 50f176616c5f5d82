"""Start-up and gunicorn: from the environment to a server that answers."""
