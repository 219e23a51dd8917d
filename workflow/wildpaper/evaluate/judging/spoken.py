"""Answers as examples to score: what was said before, and the answer as what is supervised."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wildpaper.errors import WildpaperError
from wildpaper.train.examples import Examples, prompt_digest
from wildpaper.train.exchange import Message
from wildpaper.train.template import Template


@dataclass(frozen=True, slots=True)
class Spoken:
    """An answer, and the messages before it: the last of them is the user's."""

    asked: tuple[Message, ...]
    answer: str


@dataclass(slots=True)
class Cut:
    """How many answers did not fit: what was cut of the prompt, or of the answer."""

    n_prompts_cut: int = 0
    n_answers_cut: int = 0


def encode_spoken(
    spoken: Sequence[Spoken], template: Template, max_length: int
) -> tuple[Examples, Cut]:
    """Write answers out as in training.

    Parameters
    ----------
    spoken : sequence of Spoken
    template : Template
        Of the recipe, with its tokenizer.
    max_length : int
        Tokens of an example, at most.

    Returns
    -------
    data : Examples
        One an answer, in their order; supervised are the tokens of the answer and its end token.
    cut : Cut

    Raises
    ------
    WildpaperError
        If the template alone fills an example.

    Notes
    -----
    Where both do not fit, the front of the prompt goes until half of the room is left to it, then
    the back of the answer with its end token.
    """
    cut = Cut()
    room = max_length - len(template.header)
    if room < 2:
        raise WildpaperError(
            f"An example of {max_length} tokens has no room beside its header",
            hint="Raise data.max_length in the recipe.",
        )
    ids: list[int] = []
    supervised: list[bool] = []
    lengths, n_characters = [], []
    for one in spoken:
        before, reply = _tokens(one, template)
        n_before = min(len(before), max(room - len(reply), room // 2))
        n_reply = min(len(reply), room - n_before)
        cut.n_prompts_cut += n_before < len(before)
        cut.n_answers_cut += n_reply < len(reply)
        front = [*template.header, *before[len(before) - n_before :]]
        ids += [*front, *reply[:n_reply]]
        supervised += [False] * len(front) + [True] * n_reply
        lengths.append(len(front) + n_reply)
        n_characters.append(len(one.answer))
    data = Examples(
        conversation_ids=np.arange(len(lengths), dtype=np.int64),
        n_reply_characters=np.array(n_characters, np.int64),
        first_prompts=np.array([prompt_digest(one.asked[0][1]) for one in spoken], np.uint64),
        starts=np.cumsum([0, *lengths]).astype(np.int64),
        input_ids=np.array(ids, np.int32),
        supervised=np.array(supervised, np.bool_),
    )
    return data, cut


def _tokens(one: Spoken, template: Template) -> tuple[list[int], list[int]]:
    """Return the tokens before an answer, and those of the answer with its end token."""
    exchanges, _ = template.exchanges([*one.asked, ("assistant", one.answer)])
    replies = [reply for exchange in exchanges for reply in exchange]
    before = [
        token for reply in replies[:-1] for token in (*reply.prompt, *reply.reply, template.end_id)
    ]
    last = replies[-1]
    return [*before, *last.prompt], [*last.reply, template.end_id]
