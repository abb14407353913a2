"""The cache of answers stays within its bounds."""

from hookyard.adapters.github.etags import ETagCache, Kept


def kept(size: int = 1) -> Kept:
    return Kept('"tag"', {}, b"x" * size)


def test_least_recently_used_answer_goes_first() -> None:
    cache = ETagCache(max_entries=2)
    cache.put(1, "a", kept())
    cache.put(1, "b", kept())
    assert cache.get(1, "a") is not None
    cache.put(1, "c", kept())
    assert cache.get(1, "b") is None
    assert cache.get(1, "a") is not None
    assert len(cache) == 2


def test_bytes_are_bounded_and_given_back() -> None:
    cache = ETagCache(max_bytes=10)
    for name in "abcdefgh":
        cache.put(1, name, kept(4))
    assert len(cache) == 2
    cache.put(1, "h", kept(4))
    assert len(cache) == 2
    cache.put(1, "big", kept(11))
    assert cache.get(1, "big") is None


def test_answer_that_grew_too_large_replaces_nothing_stale() -> None:
    cache = ETagCache(max_bytes=10)
    cache.put(1, "a", kept(4))
    cache.put(1, "a", kept(11))
    assert cache.get(1, "a") is None


def test_installations_do_not_share_answers() -> None:
    cache = ETagCache()
    cache.put(1, "a", kept())
    cache.put(None, "a", kept())
    assert cache.get(2, "a") is None
    cache.forget(1)
    assert cache.get(1, "a") is None
    assert cache.get(None, "a") is not None
