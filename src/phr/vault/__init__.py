"""Where secrets live: the key of the record and the tokens, in the OS keyring or in a sealed file, never in plain text."""
