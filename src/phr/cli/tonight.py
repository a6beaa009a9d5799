"""What cron would find: the child of `phr doctor --as-cron`, started as `python -m phr.cli.tonight [USER]`.

It is no command: nobody types it. It says one JSON document and nothing else, no name of a person, no secret.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any


def look(user: str | None) -> dict[str, Any]:
    """Whether this process opens the record, from which source, and what it finds for each connection."""
    from phr.errors import PhrError
    from phr.workspace import Workspace, headless

    try:
        here = Workspace(os.environ, user)
        if not here.paths.records(here.user).exists():
            return {"record": None, "place": str(here.paths.data), "connections": []}
        found = headless.secrets_found(here, now=time.time())
        return {"record": True, "source": here.vault.source(), "connections": found}
    except PhrError as error:
        return {"record": False, "detail": error.message, "mend": error.hint, "connections": []}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(look(sys.argv[1] if len(sys.argv) > 1 else None)) + "\n")
