"""Put together: one person's paths, settings, keys, catalogue and store, and what can be done with them.

The rooms below know nothing of one another's secrets or files; here they are handed to each other. The
command line calls these methods and prints what they answer.
"""

from phr.workspace.workspace import Workspace as Workspace
