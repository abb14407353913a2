"""Proposals of a model behind an OpenAI-compatible endpoint, asked through the guarded client.

# spec: POST {base}/chat/completions: model, messages, response_format; choices[0].message.content,
usage.prompt_tokens and completion_tokens.
"""

import msgspec

from hookyard.adapters.http.port import Ask, Outbound, OutboundError
from hookyard.features.manifests.proposals import (
    MAX_ANSWER,
    TASK,
    Answer,
    Budget,
    Cost,
    Failed,
    read_answer,
)
from hookyard.kit.json import Json, as_int, as_list, as_object, as_text, dig
from hookyard.kit.secret import Secret


class HttpProvider:
    """Implements `proposals.Provider`. `base_url` ends before `/chat/completions`."""

    def __init__(self, outbound: Outbound, base_url: str, model: str, key: Secret | None) -> None:
        self.name = f"model:{model}"[:100]
        self._outbound = outbound
        self._url = f"{base_url.rstrip('/')}/chat/completions"
        self._model = model
        self._key = key

    async def suggest(self, question: bytes, budget: Budget) -> Answer | Failed:
        """Ask once; no retries, as each may cost."""
        headers = {"content-type": "application/json"}
        if self._key is not None:
            headers["authorization"] = f"Bearer {self._key.reveal()}"
        ask = Ask(
            self._url,
            method="POST",
            headers=headers,
            content=self._body(question, budget),
            max_bytes=2 * MAX_ANSWER,
            total_s=budget.seconds,
        )
        try:
            got = await self._outbound.send(ask)
        except OutboundError as error:
            return Failed("timeout" if error.code == "slow" else "failed", str(error)[:300])
        if got.status != 200:
            return Failed("failed", f"the endpoint answered {got.status}")
        return _read(got.body)

    def _body(self, question: bytes, budget: Budget) -> bytes:
        return msgspec.json.encode(
            {
                "model": self._model,
                "messages": [
                    {"role": "system", "content": TASK},
                    {"role": "user", "content": question.decode()},
                ],
                "temperature": 0,
                "max_tokens": budget.tokens,
                "response_format": {"type": "json_object"},
            }
        )


def _read(body: bytes) -> Answer | Failed:
    try:
        data: Json = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Failed("refused", "the endpoint's answer is not JSON")
    choice = next(iter(as_list(as_object(data).get("choices"))), None)
    content = as_text(dig(choice, "message", "content")).strip()
    if content.startswith("```"):
        content = content.partition("\n")[2].rpartition("```")[0]
    answer = read_answer(content.encode("utf-8", "replace"))
    if isinstance(answer, Failed):
        return answer
    usage = as_object(as_object(data).get("usage"))
    cost = Cost(_tokens(usage.get("prompt_tokens")), _tokens(usage.get("completion_tokens")))
    return Answer(answer.proposals, cost)


def _tokens(value: Json) -> int | None:
    number = as_int(value)
    return number if number is not None and 0 <= number <= 10**9 else None
