"""A JUnit report read by lxml's iterparse into an object for each case, and what it cost."""

import json
import resource
import sys
import time

from lxml import etree

OUTCOMES = {"failure": "failed", "error": "error", "skipped": "skipped"}


class Case:
    """What is kept of a case."""

    __slots__ = ("classname", "message", "name", "outcome", "suite", "text", "time_s")

    def __init__(self, name: str, classname: str, suite: str, time_s: float | None) -> None:
        self.name = name
        self.classname = classname
        self.suite = suite
        self.time_s = time_s
        self.outcome = "passed"
        self.message = ""
        self.text = ""


def seconds(text: str | None) -> float | None:
    """A time that makes sense, or None."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value < 1e9 else None


def read(path: str) -> int:
    """How many cases there are; elements are let go of as soon as they were read."""
    count = 0
    suites: list[str] = []
    suite = ""
    tags = ("testsuite", "testcase")
    for event, element in etree.iterparse(path, events=("start", "end"), tag=tags):
        if element.tag == "testsuite":
            if event == "start":
                suites.append(suite)
                suite = element.get("name", suite)
            else:
                suite = suites.pop()
                element.clear()
            continue
        if event == "start":
            continue
        get = element.get
        case = Case(get("name", ""), get("classname", ""), suite, seconds(get("time")))
        for child in element:
            outcome = OUTCOMES.get(child.tag)
            if outcome is not None:
                case.outcome = outcome
                case.message = child.get("message", "")
                case.text = child.text or ""
        count += 1
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]
    return count


if __name__ == "__main__":
    began = time.process_time()
    cases = read(sys.argv[1])
    took_s = time.process_time() - began
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cases": cases, "cpu_s": took_s, "rss_mib": most}))
