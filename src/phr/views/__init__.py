"""What a person can look at: timeline, one record, how things stand, and what is handed on. Reads only."""
