"""Where everything Hookyard knows is kept: SQLite by default, Postgres at scale."""
