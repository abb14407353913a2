"""How long and how hard a campaign is, out of what the environment says."""

from collections.abc import Mapping, Sequence

from tests.support.chaos_report import Plan

SHORT_SEED = 20_240_229
SHARES = {"sqlite": 5.0, "postgres": 2.0, "redis": 2.0, "sqs": 1.0}
KILLS_FOR_A_REPEAT = 30


def shares(wanted: str, variants: Sequence[str]) -> Mapping[str, float]:
    """What part of all kills each variant gets; ValueError for one that is not there.

    `wanted` is a list such as "sqlite=3 redis"; empty means all of them.
    """
    weights: dict[str, float] = {}
    for word in wanted.replace(",", " ").split() or variants:
        name, _, weight = word.partition("=")
        if name not in variants:
            raise ValueError(f"there is no variant {name!r}; there are {', '.join(variants)}")
        weights[name] = float(weight) if weight else SHARES[name]
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def short_plan(variant: str, seed: str | None, kills: str | None) -> Plan:
    """A few kills, and every other fault once."""
    scaled = variant != "sqlite"
    return Plan(
        int(seed or SHORT_SEED),
        int(kills or ("5" if scaled else "3")),
        variant,
        rate=3.0,
        patience_s=180.0,
        lease_s=4.0 if scaled else 3.0,
        slow_s=1.0,
        workers=2,
    )


def long_plan(variant: str, seed: int, kills: int) -> Plan:
    """So many kills, and each other fault as often as seems fit for them."""
    repeats = max(1, kills // KILLS_FOR_A_REPEAT)
    return Plan(seed, kills, variant, repeats, patience_s=300.0)
