"""The sections of a Continuity of Care Document, one file each."""
