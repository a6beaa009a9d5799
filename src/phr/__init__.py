"""phr: your own medical record, from every provider, in one encrypted file on your own computer."""

__version__ = "0.1.0"
