"""Keep: one encrypted SQLite file per person, with every resource exactly as it came."""
