"""phr: your own medical record, from every provider, in one encrypted file on your own computer."""
