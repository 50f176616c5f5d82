"""Upload formats: CSV, JSON lines, Arrow and JSON."""
