"""Settings: the environment, read once and checked as a whole at start."""

from phoenix_web.settings.settings import PREFIX, ConfigError, Settings, load

__all__ = ["PREFIX", "ConfigError", "Settings", "load"]
