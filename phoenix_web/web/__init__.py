"""Flask glue under every door."""
