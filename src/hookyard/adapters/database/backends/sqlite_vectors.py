"""Distances between vectors as functions of SQL, on connections that read.

`vec_distance_cosine(a, b)` (NULL with a zero vector) and `vec_distance_L2(a, b)`, over 32-bit
floats with the least significant byte first. They are sqlite-vec's where it is installed and can
be loaded, some thirty times as fast and without the interpreter's lock; else they are computed
here, with the same results.

# why: many builds of Python leave out `enable_load_extension`; the library underneath, where it is
# a shared one, takes the extension all the same, for every connection opened from then on.
"""

import ctypes
import importlib.util
import math
import sqlite3
import struct
from functools import cache, lru_cache
from operator import mul
from pathlib import Path

NATIVE, PLAIN = "sqlite-vec", "plain"
_INIT = "sqlite3_vec_init"
_LIBRARY = "libsqlite3.so.0"
_PROBE = "SELECT vec_distance_L2(x'00000000', x'0000803f')"


def teach_distances(raw: sqlite3.Connection) -> None:
    """Have a connection know the functions."""
    if _is_native(raw):
        return
    path = _extension()
    if path is not None and hasattr(raw, "enable_load_extension"):
        try:
            raw.enable_load_extension(True)  # noqa: FBT003
            raw.load_extension(str(path))
        except sqlite3.Error:
            pass
        finally:
            raw.enable_load_extension(False)  # noqa: FBT003
        if _is_native(raw):
            return
    raw.create_function("vec_distance_cosine", 2, cosine, deterministic=True)
    raw.create_function("vec_distance_L2", 2, euclidean, deterministic=True)


@cache
def distances() -> str:
    """Which functions new connections get: NATIVE or PLAIN."""
    raw = sqlite3.connect(":memory:")
    try:
        prepare()
        raw.close()
        raw = sqlite3.connect(":memory:")
        teach_distances(raw)
        try:
            raw.execute("SELECT vec_version()")
        except sqlite3.OperationalError:
            return PLAIN
        return NATIVE
    finally:
        raw.close()


@cache
def prepare() -> None:
    """Where Python cannot load extensions, give it to the library; once, before connections are
    opened. Without an effect where the library is not the one Python uses."""
    path = _extension()
    if path is None or hasattr(sqlite3.Connection, "enable_load_extension"):
        return
    try:
        library = ctypes.CDLL(_LIBRARY)
        begin = ctypes.cast(getattr(ctypes.CDLL(str(path)), _INIT), ctypes.c_void_p)
        if not _is_fit(library):
            return
        library.sqlite3_auto_extension(begin)
    except (OSError, AttributeError):
        return
    try:
        sqlite3.connect(":memory:").close()
    except sqlite3.Error:
        library.sqlite3_cancel_auto_extension(begin)


def _is_fit(library: ctypes.CDLL) -> bool:
    """Whether a library is the one Python has, and hands its interface to extensions."""
    library.sqlite3_libversion.restype = ctypes.c_char_p
    if library.sqlite3_libversion() != sqlite3.sqlite_version.encode():
        return False
    raw = sqlite3.connect(":memory:")
    try:
        options = {row[0] for row in raw.execute("PRAGMA compile_options")}
    finally:
        raw.close()
    return "OMIT_LOAD_EXTENSION" not in options


def cosine(one: bytes | None, other: bytes | None) -> float | None:
    """1 less the cosine of the angle between two vectors."""
    if one is None or other is None:
        return None
    (a, norm_a), (b, norm_b) = _vector(one), _known(other)
    if norm_a == 0 or norm_b == 0:
        return None
    product: float = sum(map(mul, a, b))
    return 1 - product / (norm_a * norm_b)


def euclidean(one: bytes | None, other: bytes | None) -> float | None:
    """The distance of two points."""
    if one is None or other is None:
        return None
    return math.dist(_floats(one), _known(other)[0])


def _floats(raw: bytes) -> tuple[float, ...]:
    return struct.unpack(f"<{len(raw) // 4}f", raw)


def _vector(raw: bytes) -> tuple[tuple[float, ...], float]:
    found = _floats(raw)
    return found, math.hypot(*found)


_known = lru_cache(maxsize=16)(_vector)


def _extension() -> Path | None:
    spec = importlib.util.find_spec("sqlite_vec")
    if spec is None or spec.origin is None:
        return None
    found = sorted(Path(spec.origin).parent.glob("vec0.*"))
    return found[0] if found else None


def _is_native(raw: sqlite3.Connection) -> bool:
    try:
        raw.execute(_PROBE)
    except sqlite3.OperationalError:
        return False
    return True
