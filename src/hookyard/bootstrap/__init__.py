"""Settings → Yard: opens every adapter once and puts the rooms together. The only importer of
adapter backends."""

from hookyard.bootstrap.assembly import open_yard
from hookyard.bootstrap.engine import migrate_as_set
from hookyard.bootstrap.listeners import BatchListeners, CallListeners, EndListeners
from hookyard.bootstrap.opening import (
    GitHubApp,
    load_admin_key,
    make_data_dir,
    open_database,
    open_github,
    read_sources,
)
from hookyard.bootstrap.trusting import key_source, open_outbound, open_trust, read_issuers
from hookyard.bootstrap.yard import Yard

__all__ = [
    "BatchListeners",
    "CallListeners",
    "EndListeners",
    "GitHubApp",
    "Yard",
    "key_source",
    "load_admin_key",
    "make_data_dir",
    "migrate_as_set",
    "open_database",
    "open_github",
    "open_outbound",
    "open_trust",
    "open_yard",
    "read_issuers",
    "read_sources",
]
