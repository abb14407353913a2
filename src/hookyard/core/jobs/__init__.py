"""The ledger of jobs: states, leases, lanes, keys, retries, log, runner."""
