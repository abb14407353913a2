"""A stand-in for a coding agent: reads a task, takes its time, answers. It changes no code.

Standard input is the JSON that `agent.task` gives a command; a text with "slowly" takes longer.
"""

import json
import sys
import time


def main() -> int:
    """Do one task."""
    asked = json.load(sys.stdin)
    task = asked["task"]
    text = task.get("text") or task.get("command") or ""
    sys.stderr.write(f"attempt {asked['attempt']}: reading the repository" + "\n")
    time.sleep(6.0 if "slowly" in text and asked["attempt"] == 1 else 0.3)
    sys.stderr.write("writing down what I would change" + "\n")
    where = task.get("repository") or "no repository"
    summary = f"Looked into it in {where}: {text}"[:200]
    comment = f"**Agent's answer.** I looked into `{where}` and would start with the failing test."
    json.dump({"summary": summary, "comment": comment, "data": {"files": 3}}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
