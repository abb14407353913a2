"""How often Python looks for cyclic garbage."""

import gc

_THRESHOLDS = (50_000, 20, 100)


def collect_less() -> None:
    """Look less often, from the start of a process on.

    # why: modules make no garbage; at the usual thresholds looking for it is a sixth of a start.
    """
    gc.set_threshold(*_THRESHOLDS)


def settle_memory() -> None:
    """Keep the collector away from what lives as long as the process, and call it less often.

    # why: a delivery makes no cycles; a full collection walks every imported module for nothing
    # and shows as the worst wait of all.
    """
    gc.collect()
    gc.freeze()
    collect_less()
