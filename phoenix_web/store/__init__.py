"""The store: SQLAlchemy on SQLite or PostgreSQL. It knows no Flask and no HTTP."""
