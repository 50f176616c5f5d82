"""Settings from the environment, read and validated once at start-up."""

from phoenix_web.settings.settings import PREFIX, ConfigError, Settings, load

__all__ = ["PREFIX", "ConfigError", "Settings", "load"]
