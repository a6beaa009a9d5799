"""What a person has set: `config.toml` and the `PHR_…` variables."""

from phr.settings.hooks import EVENTS as EVENTS
from phr.settings.hooks import Hook as Hook
from phr.settings.hooks import Mail as Mail
from phr.settings.keeping import set_sync as set_sync
from phr.settings.keeping import set_vendor_client_id as set_vendor_client_id
from phr.settings.reading import Connect as Connect
from phr.settings.reading import General as General
from phr.settings.reading import Network as Network
from phr.settings.reading import Settings as Settings
from phr.settings.reading import Sync as Sync
from phr.settings.reading import VendorSettings as VendorSettings
from phr.settings.reading import load as load
from phr.settings.reading import variables as variables
from phr.settings.reading import vendor_variable as vendor_variable
from phr.settings.values import DAY as DAY
from phr.settings.values import HOUR as HOUR
from phr.settings.values import Hours as Hours
from phr.settings.values import as_duration as as_duration
from phr.settings.values import duration as duration
from phr.settings.values import hours as hours
from phr.settings.values import is_address as is_address
