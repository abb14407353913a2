"""Settings → what seals values for the database."""

from hookyard.adapters.database.port import Database
from hookyard.adapters.secrets.backends.keyfile import KeyFile
from hookyard.core.sealing.service import Sealer
from hookyard.kit.clock import Clock
from hookyard.kit.ids import IdMaker
from hookyard.settings import Settings

KEY_FILE = "sealing.key"


def open_sealer(settings: Settings, database: Database, clock: Clock, ids: IdMaker) -> Sealer:
    """The sealer of this process; nothing is unwrapped yet."""
    return Sealer(database, KeyFile(settings.data_dir / KEY_FILE), clock, ids)
