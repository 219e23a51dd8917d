"""Answers of a model behind an interface of chat completions, as OpenAI's and vLLM's are."""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wildpaper.errors import WildpaperError
from wildpaper.evaluate.answers.record import Answer, Finish, missing_questions, write_answers
from wildpaper.evaluate.answers.sampling import draw_seed
from wildpaper.evaluate.answers.temperature import TEMPERATURES
from wildpaper.evaluate.answers.unfinished import Unfinished
from wildpaper.evaluate.chat.client import ChatClient, Reply
from wildpaper.evaluate.questions import Question, read_questions
from wildpaper.interfaces.endpoint import Endpoint, Pace, open_endpoint
from wildpaper.interfaces.patience import UnansweredError
from wildpaper.interfaces.workers import share
from wildpaper.progress import Progress

_LOG = logging.getLogger("wildpaper")
_PATH = "/chat/completions"
_MOST_PER_MINUTE = 60_000
"""Requests: the connections and what the interface says of its limits set the pace."""
_SEED_BITS = 31
_ENDS: dict[str, Finish] = {"stop": "end", "length": "length"}


def answer_over_interface(
    questions: Path,
    answers: Path,
    model_name: str,
    url: str,
    served_model: str,
    key_variable: str,
    seed: int,
    max_new_tokens: int,
    concurrency: int,
    timeout_s: float,
    attempts: int,
) -> None:
    """Have a model that is served elsewhere answer questions; these leave the machine.

    Parameters
    ----------
    questions : Path
        See `read_questions`.
    answers : Path
        To write: see `write_answers`.
    model_name : str
        What the model is called in the answers.
    url : str
        The address up to and with ``/v1``; ``http://`` only on this machine, where a key is not
        needed either.
    served_model : str
        What the model is called there.
    key_variable : str
        The environment variable with the key.
    seed : int
        From it follows the seed that is sent with each request; not every interface heeds it.
    max_new_tokens : int
        Of an answer, at most. MT-bench's: 1,024.
    concurrency : int
        Questions under way at a time.
    timeout_s : float
        Seconds to wait for an answer.
    attempts : int
        Times that a request is sent, see `ChatClient`.

    Raises
    ------
    WildpaperError
        If the address or the key is unusable, there is no access, or questions have no answer in
        the end. What was answered is kept, and the next run asks for the rest only.

    Notes
    -----
    Each category has its temperature (`TEMPERATURES`). No system message is sent: a model that
    is served knows its own. An interface may give another answer another time.
    """
    address = url.rstrip("/")
    place = open_endpoint(
        address if address.endswith(_PATH) else address + _PATH,
        called=f"interface of the model {model_name}",
        setting=f"evaluate.models.{model_name}.endpoint",
        model_setting=f"evaluate.models.{model_name}.served",
        key_variable=key_variable,
        instead="name a file of its answers (answers)",
    )
    asked = read_questions(questions)
    about = {"url": place.url, "served": served_model, "model_name": model_name}
    about |= {"seed": str(seed), "max_new_tokens": str(max_new_tokens)}
    options = {"concurrency": concurrency, "timeout_s": timeout_s, "attempts": attempts}
    with Unfinished(answers, about, asked) as kept:
        left = missing_questions(kept.found, asked)
        if left:
            asking = _Asking(kept, model_name, seed, max_new_tokens)
            asyncio.run(asking.run(left, len(asked), place, served_model, options))
            _refuse_failed(asking.failed, len(asked), place)
        write_answers(answers, kept.found.values())
    kept.remove()


def _refuse_failed(failed: dict[int, str], n_asked: int, place: Endpoint) -> None:
    if failed:
        number, reason = min(failed.items())
        raise WildpaperError(
            f"{len(failed):,} of {n_asked:,} questions have no answer, the first: {number} "
            f"({reason})",
            where=place.url,
            hint="All others are kept. Run again: only these are asked. An interface that does "
            "not take a request may have less room than evaluate.answers.max_new_tokens.",
        )


class _Asking:
    """One run: both turns of a question one after the other, several questions at a time."""

    def __init__(self, kept: Unfinished, name: str, seed: int, max_new_tokens: int) -> None:
        self.failed: dict[int, str] = {}
        self._kept, self._name = kept, name
        self._seed, self._max_new_tokens = seed, max_new_tokens
        self._served: Counter[str] = Counter()

    async def run(
        self,
        left: Sequence[Question],
        n_asked: int,
        place: Endpoint,
        served_model: str,
        options: dict[str, Any],
    ) -> None:
        _LOG.info("%s: %s of %s questions are left to ask", self._name, len(left), n_asked)
        self._progress = Progress(f"{self._name}: answers", n_asked, "questions")
        self._progress.resume_from(n_asked - len(left))
        pace = Pace(_MOST_PER_MINUTE, 0)
        async with ChatClient(place, served_model, pace, **options) as self._client:
            await share(left, self._ask, options["concurrency"])
        for served, n in sorted(self._served.items()):
            _LOG.info("%s: %s answers came from %s", self._name, n, served or "a model unnamed")

    async def _ask(self, question: Question) -> None:
        try:
            replies = await self._both_turns(question)
        except UnansweredError as error:
            self.failed[question.question_id] = error.reason
        else:
            self._served.update(reply.served for reply in replies)
            self._kept.add([self._answer(question, replies)])
        self._progress.advance(1)

    async def _both_turns(self, question: Question) -> list[Reply]:
        messages: list[dict[str, str]] = []
        replies: list[Reply] = []
        for turn, text in enumerate(question.turns):
            messages.append({"role": "user", "content": text})
            stream = f"{self._seed}/{question.question_id}/{turn}"
            reply = await self._client.ask(
                messages,
                temperature=TEMPERATURES[question.category],
                max_tokens=self._max_new_tokens,
                seed=draw_seed(stream, 0) % 2**_SEED_BITS,
            )
            messages.append({"role": "assistant", "content": reply.text.strip()})
            replies.append(reply)
        return replies

    def _answer(self, question: Question, replies: Sequence[Reply]) -> Answer:
        counted = [reply.n_tokens_out for reply in replies if reply.n_tokens_out is not None]
        return Answer(
            question.question_id,
            self._name,
            tuple(reply.text.strip() for reply in replies),
            tuple(counted) if len(counted) == len(replies) else (),
            tuple(_ENDS.get(reply.finish, "") for reply in replies),
        )
