#!/usr/bin/env python3
"""A reference agent: leases jobs of one kind over HTTP and counts the words of their text.

Environment: HOOKYARD_URL, HOOKYARD_TOKEN (a key with the role worker), AGENT_KIND (agent.task),
AGENT_JOBS (end after so many jobs; 0 runs on). Replace `work` with what your agent does.
"""

import contextlib
import json
import os
import socket
import threading
import time
import urllib.error
import urllib.request

URL = os.environ.get("HOOKYARD_URL", "http://127.0.0.1:8080")
TOKEN = os.environ["HOOKYARD_TOKEN"]
KIND = os.environ.get("AGENT_KIND", "agent.task")
JOBS = int(os.environ.get("AGENT_JOBS", "0"))
LEASE_S = float(os.environ.get("AGENT_LEASE_SECONDS", "60"))
NAME = "".join(c if c.isalnum() else "-" for c in socket.gethostname())[:40].strip("-") or "agent"


class Stale(Exception):
    """The lease is somebody else's by now: leave the job alone."""


def call(path, body):
    """POST JSON; waits where it is told to come back later, Stale when the lease is lost."""
    while True:
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        request = urllib.request.Request(URL + path, json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 409:
                raise Stale from None
            if error.code not in (429, 503):
                raise SystemExit(f"{path}: {error.code} {error.read().decode()}") from None
            time.sleep(int(error.headers.get("Retry-After", "1")))
        except OSError:
            time.sleep(2)


def keep(path, lease, over, cancelled):
    """Send a heartbeat three times a lease, until the work is over."""
    while not over.wait(LEASE_S / 3):
        try:
            if call(f"{path}/heartbeat", {"lease": lease})["cancel_requested"]:
                cancelled.set()
        except Stale:
            cancelled.set()
            return


def work(job, say, cancelled):
    """Do the job. `say` writes to its log; stop soon once `cancelled` is set."""
    task = job["payload"]
    say(f"attempt {job['attempt']}: {task.get('command', 'nothing')}")
    if cancelled.wait(float(task.get("takes_s", 0))):
        raise InterruptedError("told to stop")
    count = len(str(task.get("text", "")).split())
    answer = {"result": {"words": count}}
    if KIND == "agent.task":  # becomes a comment where the task came from; `comment` is Markdown
        answer["summary"] = f"counted {count} words"
    return answer


def do(job):
    """One job from its lease to its end, with heartbeats beside the work."""
    path, lease = f"/api/leases/{job['job']}", job["lease"]
    over, cancelled = threading.Event(), threading.Event()
    beats = threading.Thread(target=keep, args=(path, lease, over, cancelled), daemon=True)
    beats.start()
    try:
        answer = work(
            job, lambda *lines: call(f"{path}/log", {"lease": lease, "lines": lines}), cancelled
        )
        call(f"{path}/complete", {"lease": lease} | answer)
    except Stale:
        pass
    except Exception as error:
        with contextlib.suppress(Stale):
            call(f"{path}/fail", {"lease": lease, "class": "retry", "reason": str(error) or "?"})
    finally:
        over.set()
        beats.join()


def main():
    """Lease, work, repeat."""
    ask = {"kinds": [KIND], "wait_s": 20, "lease_s": LEASE_S, "agent": NAME}
    done = 0
    while not JOBS or done < JOBS:
        for job in call("/api/leases", ask)["leases"]:
            do(job)
            done += 1


if __name__ == "__main__":
    main()
