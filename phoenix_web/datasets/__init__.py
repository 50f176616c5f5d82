"""Dataset formats, content hashes, matching and downloads, without Flask and without a database."""
