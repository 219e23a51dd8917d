"""Both turns of questions, as many questions at a time as one likes."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from wildpaper.evaluate.answers.generation import Generator, Prompt
from wildpaper.evaluate.answers.prompts import Prompter
from wildpaper.evaluate.answers.record import Answer, Finish
from wildpaper.evaluate.answers.temperature import TEMPERATURES
from wildpaper.evaluate.json_lines import N_TURNS
from wildpaper.evaluate.questions import Question
from wildpaper.train.exchange import Message

_LOG = logging.getLogger("wildpaper")
_LEAST_SHARE = 4
"""An answer gets a quarter of the positions, or all tokens that it may have, if need be by
showing less of the answer before it."""
_NO_LIMIT = 2**31


class Speaker:
    """A model that answers questions.

    Parameters
    ----------
    model : Any
        A causal language model, on its device.
    prompter : Prompter
    name : str
        What the model is called in answers.
    seed : int
        Of all that is drawn.
    max_new_tokens : int
        Of an answer, at most; the end token counts.
    temperatures : mapping
        By category.

    Attributes
    ----------
    n_cut : int
        Questions in whose second turn the first answer was shown in part.
    n_without_room : int
        Turns without an answer, since the prompt alone fills all positions.
    n_tokens : int
        Tokens of all answers.
    """

    def __init__(
        self,
        model: Any,
        prompter: Prompter,
        name: str,
        seed: int,
        max_new_tokens: int,
        temperatures: Mapping[str, float] = TEMPERATURES,
    ) -> None:
        self._generator = Generator(model, prompter.stop_ids)
        self._prompter, self._name, self._seed = prompter, name, seed
        self._max_new_tokens, self._temperatures = max_new_tokens, temperatures
        self._n_positions = n_positions(model)
        self.n_cut = self.n_without_room = 0

    @property
    def n_tokens(self) -> int:
        """Tokens of all answers."""
        return self._generator.n_tokens

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        """Return the answers to some questions: all first turns, then all second ones.

        What is drawn for an answer depends on the seed, its question and turn alone.
        """
        histories: list[list[Message]] = [[] for _ in questions]
        tokens: list[tuple[int, ...]] = [()] * len(questions)
        ends: list[tuple[Finish, ...]] = [()] * len(questions)
        for turn in range(N_TURNS):
            for question, history in zip(questions, histories, strict=True):
                history.append(("user", question.turns[turn]))
            pairs = list(zip(questions, histories, strict=True))
            prompts = [self._prompt(question, turn, history) for question, history in pairs]
            for i, reply in enumerate(self._generator.replies(prompts)):
                text = self._prompter.decode(reply.ids).strip()
                histories[i].append(("assistant", text))
                tokens[i] += (len(reply.ids),)
                ends[i] += (reply.finish,)
        said = [[text for role, text in history if role == "assistant"] for history in histories]
        return [
            Answer(question.question_id, self._name, tuple(texts), counted, ended)
            for question, texts, counted, ended in zip(questions, said, tokens, ends, strict=True)
        ]

    def _prompt(self, question: Question, turn: int, history: Sequence[Message]) -> Prompt:
        ids = self._fitting(history)
        room = max(min(self._max_new_tokens, self._n_positions - len(ids)), 0)
        self.n_without_room += room == 0
        stream = f"{self._seed}/{question.question_id}/{turn}"
        return Prompt(ids, room, self._temperatures[question.category], stream)

    def _fitting(self, history: Sequence[Message]) -> list[int]:
        """Return the prompt; where it leaves too little room, with less of the answer before."""
        ids = self._prompter.prompt_ids(history)
        least = min(self._max_new_tokens, max(self._n_positions // _LEAST_SHARE, 1))
        most = self._n_positions - least
        if len(ids) <= most or len(history) < 2:
            return ids
        self.n_cut += 1
        low, high = 0, len(history[-2][1])
        while low < high:
            middle = (low + high + 1) // 2
            fits = len(self._prompter.prompt_ids(_with_less(history, middle))) <= most
            low, high = (middle, high) if fits else (low, middle - 1)
        return self._prompter.prompt_ids(_with_less(history, low))

    def report(self) -> None:
        """Say in the log what did not fit, if anything did not."""
        if self.n_cut:
            _LOG.warning(
                "%s: %s first answers were cut off in the prompt of the second turn, to fit %s "
                "positions", self._name, f"{self.n_cut:,}", f"{self._n_positions:,}",
            )  # fmt: skip
        if self.n_without_room:
            _LOG.warning(
                "%s: %s turns have no answer: the prompt alone fills the %s positions",
                self._name, f"{self.n_without_room:,}", f"{self._n_positions:,}",
            )  # fmt: skip


def n_positions(model: Any) -> int:
    """Return how many tokens a model can see; very many where it does not say."""
    config = model.config.get_text_config()
    return int(getattr(config, "max_position_embeddings", None) or _NO_LIMIT)


def _with_less(history: Sequence[Message], n_characters: int) -> list[Message]:
    """Return a conversation whose last answer has some characters only."""
    role, text = history[-2]
    return [*history[:-2], (role, text[:n_characters]), history[-1]]
