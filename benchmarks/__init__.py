"""Where Hookyard's performance figures come from: Hookyard and its peers, measured side by side.

`python -m benchmarks` runs everything and prints one table; `python -m benchmarks.setup` fetches
the peers first. Figures are printed and recorded, never asserted in tests.
"""
