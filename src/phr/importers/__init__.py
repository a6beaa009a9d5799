"""Files that come in: what they are, whose data they hold, and their resources byte for byte."""
