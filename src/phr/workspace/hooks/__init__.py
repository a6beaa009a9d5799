"""What happens after a sync: a command, a desktop notice, a mail, a webhook, as `[hooks]` of the settings say."""

from phr.workspace.hooks.after import after as after
from phr.workspace.hooks.after import rehearse as rehearse
from phr.workspace.hooks.check import Finding as Finding
from phr.workspace.hooks.check import look as look
from phr.workspace.hooks.secrets import KEPT as KEPT
