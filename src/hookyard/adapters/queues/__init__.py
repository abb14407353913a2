"""Brokers that carry pointers to jobs: Redis streams, SQS, or the memory of one process."""
