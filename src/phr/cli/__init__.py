"""Speak with a person: options, one call into a room, one call to `output`; nothing is decided here."""
