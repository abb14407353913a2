"""Reports of agents without the values their attempts were given. Pure."""

from dataclasses import replace

from hookyard.core.jobs.leases_model import Answer, Line
from hookyard.core.jobs.model import Ending, Fail, Retry
from hookyard.core.jobs.redact import Mask
from hookyard.kit.json import as_object


def masked_line(mask: Mask, line: Line) -> Line:
    """A line of the log."""
    fields = None if line.fields is None else as_object(mask.json(dict(line.fields)))
    return replace(line, message=mask.text(line.message), fields=fields)


def masked_answer(mask: Mask, answer: Answer) -> Answer:
    """What an agent says when it is done."""
    return Answer(
        mask.json(answer.result),
        None if answer.summary is None else mask.text(answer.summary),
        None if answer.comment is None else mask.text(answer.comment),
    )


def masked_ending(mask: Mask, ending: Ending) -> Ending:
    """Why an attempt failed."""
    if not isinstance(ending, Retry | Fail):
        return ending
    code = ending.code if mask.text(ending.code) == ending.code else "failed"
    return replace(ending, reason=mask.text(ending.reason), code=code)
