"""The formats in which examples arrive: CSV, JSON lines, Arrow and JSON."""
