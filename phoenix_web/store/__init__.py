"""The store: SQLAlchemy on SQLite or PostgreSQL, independent of Flask and HTTP."""
