"""Replies of a model of transformers to prompts, many at a time."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import transformers

from wildpaper.errors import WildpaperError
from wildpaper.evaluate.answers.record import Finish
from wildpaper.evaluate.answers.rows import Rows, read_rows
from wildpaper.evaluate.answers.sampling import GumbelNoise

_LOG = logging.getLogger("wildpaper")
_FEW = 4
"""Fewer rows than these go on together to the end."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is to go on from.

    Attributes
    ----------
    ids : list of int
    room : int
        Tokens of the reply, at most; the end token counts. With 0 there is no reply.
    temperature : float
    stream : str
        The stream of random numbers, see `GumbelNoise`.
    """

    ids: list[int]
    room: int
    temperature: float
    stream: str


@dataclass(frozen=True, slots=True)
class Reply:
    """Tokens of a reply, without the end token, and why there are no more."""

    ids: list[int]
    finish: Finish


class Generator:
    """Generates replies; those to one prompt do not depend on which others are asked for.

    Parameters
    ----------
    model : Any
        A causal language model, on its device.
    stop_ids : sequence of int
        Tokens that end a reply, besides those that the model itself names.

    Attributes
    ----------
    n_tokens : int
        Tokens of all replies so far.

    Notes
    -----
    Each prompt is read by itself; then all rows go on together, and when half of them are
    finished, the others without them. Only rounding depends on the batch: in sums of 16 bits
    the likeliest of two tokens that are about as likely may be the other one. What the model
    comes with of ways to generate (penalties, top-k, top-p) is not used: the temperature alone
    decides.
    """

    def __init__(self, model: Any, stop_ids: Sequence[int]) -> None:
        given = model.generation_config.eos_token_id
        named = given if isinstance(given, list) else [] if given is None else [given]
        self.stop_ids = sorted({*stop_ids, *named})
        self.n_tokens = 0
        self._model = model
        self._most_rows: int | None = None
        model.generation_config = transformers.GenerationConfig()

    def replies(self, prompts: Sequence[Prompt]) -> list[Reply]:
        """Return a reply to each prompt.

        Raises
        ------
        WildpaperError
            If the memory of a GPU does not hold even one.
        """
        found: dict[int, Reply] = {}
        for rows in self._groups(prompts):
            made = self._fitting([prompts[i] for i in rows])
            found |= dict(zip(rows, made, strict=True))
        self.n_tokens += sum(len(reply.ids) for reply in found.values())
        return [found[i] if i in found else Reply([], "length") for i in range(len(prompts))]

    def _groups(self, prompts: Sequence[Prompt]) -> list[list[int]]:
        """Put together what has as much room: no row goes beyond its own while others go on."""
        by_room: dict[int, list[int]] = {}
        for i, prompt in enumerate(prompts):
            if prompt.room > 0:
                by_room.setdefault(prompt.room, []).append(i)
        return list(by_room.values())

    def _fitting(self, prompts: Sequence[Prompt]) -> list[Reply]:
        """Return replies; where memory runs out, to half of the prompts at a time."""
        most = self._most_rows or len(prompts)
        if len(prompts) > most:
            return [*self._fitting(prompts[:most]), *self._fitting(prompts[most:])]
        try:
            return self._together(prompts)
        except torch.OutOfMemoryError:
            if len(prompts) == 1:
                raise WildpaperError(
                    f"Memory of the GPU is too small for one prompt of {len(prompts[0].ids):,} "
                    f"tokens and a reply of up to {prompts[0].room:,}",
                    where="max_new_tokens",
                    hint="Lower it, or use a smaller model or a larger GPU.",
                ) from None
        torch.cuda.empty_cache()
        self._most_rows = len(prompts) // 2
        _LOG.warning("memory ran out: %s answers at a time from here on", self._most_rows)
        return self._fitting(prompts)

    def _together(self, prompts: Sequence[Prompt]) -> list[Reply]:
        """Generate until all are finished, in rounds: who is finished is left out of the next."""
        ids: list[list[int]] = [[] for _ in prompts]
        going = list(range(len(prompts)))
        with torch.inference_mode():
            rows = read_rows(self._model, [one.ids for one in prompts], self.stop_ids[0])
            width = rows.ids.shape[1]
            while True:
                made = self._round([prompts[i] for i in going], rows, rows.ids.shape[1] - width)
                for i, new in zip(going, made.sequences[:, width:].tolist(), strict=True):
                    ids[i] = self._up_to_end(new)
                left = [n for n, i in enumerate(going) if not self._is_finished(ids[i], prompts[i])]
                if not left:
                    return [self._reply(one) for one in ids]
                going = [going[n] for n in left]
                rows = rows.take(left, made.sequences, made.past_key_values)

    def _is_finished(self, ids: list[int], prompt: Prompt) -> bool:
        return len(ids) >= prompt.room or ids[-1] in self.stop_ids

    def _reply(self, ids: list[int]) -> Reply:
        return Reply(ids[:-1], "end") if ids[-1] in self.stop_ids else Reply(ids, "length")

    def _round(self, prompts: Sequence[Prompt], rows: Rows, n_before: int) -> Any:
        """Go on with rows that have some new tokens, until half of them are finished."""
        return self._model.generate(
            rows.ids,
            attention_mask=rows.mask,
            past_key_values=rows.memory,
            generation_config=self._settings(prompts[0].room - n_before),
            logits_processor=_noise(prompts, n_before),
            stopping_criteria=[_HalfAreFinished(self.stop_ids, len(prompts), rows.ids.device)],
        )

    def _settings(self, room: int) -> Any:
        return transformers.GenerationConfig(
            do_sample=False,
            max_new_tokens=room,
            eos_token_id=self.stop_ids,
            pad_token_id=self.stop_ids[0],
            return_dict_in_generate=True,
        )

    def _up_to_end(self, ids: list[int]) -> list[int]:
        end = next((i for i, token in enumerate(ids) if token in self.stop_ids), len(ids))
        return ids[: end + 1]


def _noise(prompts: Sequence[Prompt], n_before: int) -> list[Any]:
    """Return what makes sampling of choosing the likeliest; nothing where no row is warm."""
    temperatures = [prompt.temperature for prompt in prompts]
    if not any(temperatures):
        return []
    return [GumbelNoise([prompt.stream for prompt in prompts], temperatures, n_before)]


class _HalfAreFinished(transformers.StoppingCriteria):  # type: ignore[misc]
    """Ends a round when half of its rows are finished: they would be calculated on and on.

    A finished row is filled up with an end token, so its last token says that it is.
    """

    def __init__(self, stop_ids: list[int], n_rows: int, device: Any) -> None:
        self._stop_ids = torch.tensor(stop_ids, device=device)
        self._enough = n_rows // 2 if n_rows >= _FEW else n_rows

    def __call__(self, input_ids: torch.Tensor, scores: Any, **given: Any) -> Any:
        finished = torch.isin(input_ids[:, -1], self._stop_ids)
        return (finished.sum() >= self._enough).expand(len(input_ids))
