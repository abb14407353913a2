"""How the text of a setting becomes its value; ValueError says what it must be."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

from hookyard.kit.secret import Secret

_FLAGS = {"true": True, "yes": True, "on": True, "1": True} | {
    "false": False, "no": False, "off": False, "0": False,
}  # fmt: skip
LANES = ("critical", "high", "default", "bulk")


def text(raw: str) -> str:
    """As it stands."""
    return raw


def secret(raw: str) -> Secret:
    """Kept out of logs."""
    return Secret(raw)


def secrets(raw: str) -> tuple[Secret, ...]:
    """Several, comma-separated."""
    return tuple(Secret(part.strip()) for part in raw.split(",") if part.strip())


def number(raw: str) -> int:
    """A whole number above 0."""
    value = int(raw)
    if value <= 0:
        raise ValueError("must be a whole number above 0")
    return value


def port(raw: str) -> int:
    """0 to 65535."""
    value = int(raw)
    if not 0 <= value <= 65_535:
        raise ValueError("must be a port between 0 and 65535")
    return value


def seconds(raw: str) -> float:
    """A duration above 0."""
    value = float(raw)
    if not 0 < value < 1e9:
        raise ValueError("must be a number of seconds above 0")
    return value


def pause(raw: str) -> float:
    """A duration, or 0 for none."""
    value = float(raw)
    if not 0 <= value < 1e9:
        raise ValueError("must be a number of seconds, or 0")
    return value


def flag(raw: str) -> bool:
    """true or false."""
    word = raw.lower()
    if word not in _FLAGS:
        raise ValueError("must be true or false")
    return _FLAGS[word]


def url(raw: str) -> str:
    """An http(s) address without a slash at its end."""
    if not raw.startswith(("http://", "https://")):
        raise ValueError("must start with http:// or https://")
    return raw.rstrip("/")


def slack_channels(raw: str) -> tuple[str, ...]:
    """Ids of conversations, comma-separated."""
    found = tuple(part.strip() for part in raw.split(",") if part.strip())
    if not all(re.fullmatch(r"[CG][A-Z0-9]{6,20}", one) for one in found):
        raise ValueError("must be ids of Slack channels such as C0123456789, comma-separated")
    return found


def issuer(raw: str) -> str:
    """An http(s) address as it stands: an issuer is compared letter by letter."""
    url(raw)
    return raw


def database(raw: str) -> Secret:
    """A Postgres URL."""
    if not raw.startswith(("postgres://", "postgresql://", "postgresql+asyncpg://")):
        raise ValueError("must start with postgresql:// (leave it unset for SQLite)")
    return Secret(raw)


def redis(raw: str) -> Secret:
    """A Redis URL."""
    if not raw.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("must start with redis:// or rediss://")
    return Secret(raw)


def queue_name(raw: str) -> str:
    """What both SQS and Redis take as the beginning of a name."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,60}", raw):
        raise ValueError("must be 1 to 60 letters, digits, - and _")
    return raw


def queue_urls(raw: str) -> tuple[str, ...]:
    """`lane=url` for each of `LANES`, comma-separated."""
    parts = tuple(part.strip() for part in raw.split(",") if part.strip())
    pairs = dict(part.partition("=")[::2] for part in parts)
    sound = all(address.startswith(("http://", "https://")) for address in pairs.values())
    if len(parts) != len(LANES) or set(pairs) != set(LANES) or not sound:
        raise ValueError("must be lane=url for each of " + ", ".join(LANES))
    return parts


def bucket(raw: str) -> str:
    """What S3 takes as the name of a bucket."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", raw):
        raise ValueError("must be 3 to 63 lower-case letters, digits, dots and dashes")
    return raw


def folder(raw: str) -> str:
    """A folder of a bucket, as `team/hookyard`."""
    name = raw.strip("/")
    if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*", name):
        raise ValueError("must be names of letters, digits, . _ and -, with / between them")
    return name


def one_of(*words: str) -> Callable[[str], str]:
    """One of some words."""

    def parse(raw: str) -> str:
        if raw not in words:
            raise ValueError("must be one of " + ", ".join(words))
        return raw

    return parse


def lanes(raw: str) -> tuple[str, ...]:
    """Some of `LANES`, comma-separated."""
    found = tuple(dict.fromkeys(part.strip() for part in raw.split(",") if part.strip()))
    if not found or not set(found) <= set(LANES):
        raise ValueError("must be some of " + ", ".join(LANES))
    return found


def words(raw: str) -> tuple[str, ...]:
    """Several words, comma-separated."""
    found = tuple(part.strip() for part in raw.split(",") if part.strip())
    if not all(re.fullmatch(r"[a-z_]{1,64}", word) for word in found):
        raise ValueError("must be lower-case words, comma-separated")
    return found


def texts(raw: str) -> tuple[str, ...]:
    """Several texts as they stand, comma-separated."""
    return tuple(part.strip() for part in raw.split(",") if part.strip())


def hosts(raw: str) -> tuple[str, ...]:
    """Several hosts, each with a port or without, comma-separated."""
    found = tuple(part.strip().lower() for part in raw.split(",") if part.strip())
    if not all(re.fullmatch(r"[a-z0-9.:_-]{1,253}", host) for host in found):
        raise ValueError("must be host names, with a port or without, comma-separated")
    return found


def brokers(raw: str) -> tuple[str, ...]:
    """Several `host:port`, comma-separated."""
    found = tuple(part.strip() for part in raw.split(",") if part.strip())
    one = r"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):[0-9]{1,5}"
    if not found or not all(re.fullmatch(one, part) for part in found):
        raise ValueError("must be host:port of some brokers, comma-separated")
    return found


def sinks(raw: str) -> tuple[str, ...]:
    """`name=redis:STREAM`, `name=sqs:URL` or `name=kafka:TOPIC`, comma-separated."""
    found = tuple(part.strip() for part in raw.split(",") if part.strip())
    kinds = (
        r"redis:[A-Za-z0-9:._-]{1,200}",
        r"sqs:https?://[!-+\--~]{1,500}",
        r"kafka:(?!\.\.?$)[A-Za-z0-9._-]{1,249}",
    )
    one = rf"[a-z][a-z0-9-]{{0,39}}=({'|'.join(kinds)})"
    names = {part.partition("=")[0] for part in found}
    if not all(re.fullmatch(one, part) for part in found) or len(names) != len(found):
        raise ValueError(
            "must be name=redis:STREAM, name=sqs:URL or name=kafka:TOPIC, each name once"
        )
    if "webhook" in names:
        raise ValueError("must not name a sink webhook")
    return found


def command(raw: str) -> str:
    """A command line."""
    try:
        shlex.split(raw)
    except ValueError:
        raise ValueError("must be a command line whose quotes are closed") from None
    return raw


def path(raw: str) -> Path:
    """A path; ~ is the home folder."""
    return Path(raw).expanduser()
