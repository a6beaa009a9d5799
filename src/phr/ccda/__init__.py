"""C-CDA R2.1: the records of one person as a Continuity of Care Document."""
