"""Run the simulated GitHub by itself: `python -m hookyard_sandbox.serve --port 8099`.

Prints one line of JSON when ready: the API root, the App's id, key file, webhook secret and
installation. Ends on SIGINT or SIGTERM.
"""

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from hookyard_sandbox.github.sandbox import DEMO_SECRET, Sandbox


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m hookyard_sandbox.serve")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--key-file", type=Path, help="where to write the App's private key")
    parser.add_argument("--webhook-url", default="", help="where the App's webhooks go")
    parser.add_argument("--webhook-secret", default=DEMO_SECRET)
    parser.add_argument("--repository", action="append", help="owner/name; may be repeated")
    parser.add_argument("--classic-tokens", action="store_true", help="40 characters, no dots")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Serve until told to stop; returns the exit code."""
    asked = _arguments(argv)
    names = asked.repository or ["acme/shop"]
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    with Sandbox(port=asked.port, stateless_tokens=not asked.classic_tokens) as sandbox:
        for name in names:
            sandbox.create_repository(name, collaborators={"octocat": "write"})
        app = sandbox.register_app(
            webhook_url=asked.webhook_url, webhook_secret=asked.webhook_secret
        )
        accounts = sorted({name.partition("/")[0] for name in names})
        made = [sandbox.create_installation(app, account) for account in accounts]
        ready: dict[str, object] = {
            "ready": sandbox.base_url,
            "app_id": app.id,
            "installations": {i.account.login: i.id for i in made},
        }
        if asked.key_file:
            asked.key_file.touch(mode=0o600)
            asked.key_file.write_text(app.private_key)
            ready["key_file"] = str(asked.key_file)
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        done.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
