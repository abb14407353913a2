"""Settings → what seals values for the database."""

from collections.abc import Mapping

from hookyard.adapters.database.port import Database
from hookyard.adapters.secrets.backends.keyfile import KeyFile
from hookyard.bootstrap.keeping import Transport, open_wrapper
from hookyard.core.sealing.service import Sealer
from hookyard.kit.clock import Clock
from hookyard.kit.errors import ConfigurationError
from hookyard.kit.ids import IdMaker
from hookyard.settings import KeptAt, Settings

LOCAL = (KeptAt("local"),)


def open_sealer(
    settings: Settings,
    database: Database,
    environ: Mapping[str, str],
    clock: Clock,
    ids: IdMaker,
    transport: Transport = None,
) -> Sealer:
    """The sealer of this process; nothing is unwrapped yet. ConfigurationError where a wrapping
    key cannot be used."""
    main, *older = (
        open_wrapper(place, settings.data_dir, environ, clock, transport)
        for place in settings.secrets.sealing_keys or LOCAL
    )
    return Sealer(database, main, clock, ids, older=older)


def add_local_key(sealer: Sealer) -> str:
    """Append a wrapping key to the key file; its version. ConfigurationError for another kind."""
    if not isinstance(sealer.wrapper, KeyFile):
        raise ConfigurationError(
            "--new-key makes keys of the key file; a version of this wrapping key is made at its "
            "provider, and `hookyard secrets rewrap` then uses it"
        )
    return sealer.wrapper.add_key()
