"""Syncs that happen by themselves: `phr schedule`, and the hours in which they keep away."""

from phr.workspace.schedule.plan import SCHEDULERS as SCHEDULERS
from phr.workspace.schedule.plan import install as install
from phr.workspace.schedule.plan import installed as installed
from phr.workspace.schedule.plan import planned as planned
from phr.workspace.schedule.plan import remove as remove
from phr.workspace.schedule.plan import scheduler as scheduler
from phr.workspace.schedule.quiet import is_quiet as is_quiet
from phr.workspace.schedule.standing import next_run as next_run
from phr.workspace.schedule.standing import standing as standing
