"""Strangers' words as they can be kept."""


def storable(text: str) -> str:
    """The text as UTF-8 and every database can hold it: for NUL U+FFFD, for a lone surrogate `?`.

    # why: Postgres text holds neither.
    """
    if text.isascii() and "\x00" not in text:
        return text
    return text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")
