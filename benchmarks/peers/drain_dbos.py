"""DBOS on Postgres: workflows of no steps through one of its queues, 32 at once.

The queue is looked at every 10 ms in place of its own second, which would be all that is measured.
"""

import os
import sys
import time

from dbos import DBOS, DBOSClient, DBOSConfig

from benchmarks.tally import from_environment

URL = os.environ["JOBS_URL"].replace("postgresql:", "postgresql+psycopg:")
VERSION = "benchmark"
config: DBOSConfig = {
    "name": "benchmark",
    "system_database_url": URL,
    "application_version": VERSION,
    "log_level": "ERROR",
    "sys_db_pool_size": 40,
}


def main(way: str) -> None:
    """Fill by the call for one, or run until killed."""
    DBOS(config=config)
    tally = from_environment()

    @DBOS.workflow(name="nothing")
    def nothing(number: int) -> None:
        tally.one()

    DBOS.launch()
    if way == "fill":
        client = DBOSClient(system_database_url=URL)
        for number in range(int(os.environ["TALLY_TOTAL"])):
            client.enqueue(
                {"workflow_name": "nothing", "queue_name": "benchmark", "app_version": VERSION},
                number,
            )
        client.destroy()
        DBOS.destroy()
        return
    DBOS.register_queue("benchmark", worker_concurrency=32, polling_interval_sec=0.01)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main(sys.argv[1])
