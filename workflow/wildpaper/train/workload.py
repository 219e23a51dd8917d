"""How much a recipe trains: models, tokens, steps, hours."""

import math
from dataclasses import dataclass

from wildpaper.train.expected import DataSize
from wildpaper.train.hardware import kind_of
from wildpaper.train.memory import Size
from wildpaper.train.operations import DENSE, FROZEN, RECOMPUTED
from wildpaper.train.recipe import Recipe
from wildpaper.train.settings import OptimiserSettings

UTILISATION = 0.4
"""Share of a GPU's peak that hours are reckoned with: an assumption."""
CPU_FLOPS_PER_CORE = 2e10
"""Operations a second of one core: an assumption; the recipe 'micro' reaches 2.8e10."""
_A100, _H200 = "A100", "H200"
_A100_GB = 80
_STATES = 3


@dataclass(frozen=True, slots=True)
class Run:
    """Trainings of one kind.

    Attributes
    ----------
    title : str
    n_models, n_finished : int
        Trainings; models that are kept.
    n_tokens, n_steps : int or None
        Of all of them, as far as that is known.
    hours : float or None
    """

    title: str
    n_models: int
    n_finished: int
    n_tokens: int | None
    n_steps: int | None
    hours: float | None

    def line(self) -> str:
        """Return it as a line of text."""
        models = f"{self.n_models} models" if self.n_models > 1 else "1 model"
        tokens = "as many tokens as the data has"
        if self.n_tokens is not None:
            tokens = f"{self.n_tokens:,} tokens"
        steps = "" if self.n_steps is None else f" in {self.n_steps:,} steps"
        hours = "" if self.hours is None else f", {duration(self.hours)}"
        return f"{self.title}: {models}, {tokens}{steps}{hours}"

    def n_states(self, checkpoint_steps: int) -> int:
        """Return how many kept states of a training lie on disk at the worst moment.

        Two are kept, and the first goes after the third is there.
        """
        if self.n_steps is None:
            return _STATES
        return min(_STATES, math.ceil(self.n_steps / self.n_models / checkpoint_steps))


def runs_of(recipe: Recipe, data: DataSize | None, n_compared: int, rate: float) -> tuple[Run, ...]:
    """Return what a recipe trains.

    Parameters
    ----------
    recipe : Recipe
    data : DataSize or None
        One pass over the data of the model under study; other models get as much.
    n_compared : int
        Data sets of the coverage matrix.
    rate : float
        Tokens a second.
    """
    n = len(recipe.models)
    found = [_run("models", n, n, _length(recipe.optimiser, data), rate)]
    if recipe.coverage and n_compared:
        length = _length(recipe.coverage.optimiser, None)
        found.append(_run("coverage matrix", n_compared, n_compared, length, rate))
    if recipe.data_size:
        shares, most = recipe.data_size.shares, recipe.data_size.max_tokens
        if data and most and most < data.n_tokens:
            n_examples = round(most / data.n_tokens * data.n_examples)
            data = DataSize(most, n_examples, data.source)
        share = sum(shares) / len(shares)
        length = _length(recipe.data_size.optimiser, data)
        n = 2 * len(shares)  # at random and by rule
        found.append(_run("sizes of the data", n, 0, length, rate, share))
    return tuple(found)


def _run(
    title: str,
    n_models: int,
    n_finished: int,
    length: tuple[int | None, int | None],
    rate: float,
    share: float = 1.0,
) -> Run:
    """Return some trainings, each with a share of tokens and steps on average."""
    n_tokens, n_steps = (n if n is None else math.ceil(n * n_models * share) for n in length)
    hours = None if n_tokens is None else n_tokens / rate / 3600
    return Run(title, n_models, n_finished, n_tokens, n_steps, hours)


def _length(optimiser: OptimiserSettings, data: DataSize | None) -> tuple[int | None, int | None]:
    """Return tokens and steps of one training, as far as they are known."""
    if data is None:
        return optimiser.max_tokens, optimiser.max_steps
    per_step = optimiser.batch * data.n_tokens / max(data.n_examples, 1)
    if optimiser.epochs:
        n_steps = math.ceil(data.n_examples * optimiser.epochs / optimiser.batch)
        return data.n_tokens * optimiser.epochs, n_steps
    if optimiser.max_steps:
        return round(optimiser.max_steps * per_step), optimiser.max_steps
    n_tokens = optimiser.max_tokens or 0
    return n_tokens, math.ceil(n_tokens / max(per_step, 1))


def rate_of(recipe: Recipe, size: Size, device: str, name: str) -> tuple[float, str]:
    """Return the tokens a second that are expected, and on what hardware.

    Parameters
    ----------
    recipe : Recipe
    size : Size
    device : str
        ``cpu`` or ``cuda``.
    name : str
        Of the GPU; empty where there is none: hours are then for an A100, or, for a recipe
        that needs more memory than it has, an H200.

    Notes
    -----
    Forward and backward pass take six operations for each parameter and token, four where
    weights are frozen, and two more where activations are recomputed. Attention is left out.
    """
    hardware = recipe.hardware
    per_parameter = FROZEN if recipe.adapter else DENSE
    per_parameter += RECOMPUTED if hardware.gradient_checkpointing else 0
    per_token = per_parameter * size.n_parameters
    if device == "cpu":
        cores = "1 core" if hardware.n_threads == 1 else f"{hardware.n_threads} cores"
        speed = CPU_FLOPS_PER_CORE * hardware.n_threads
        assumed = f"assumed: {CPU_FLOPS_PER_CORE / 1e9:g} GFLOP/s a core"
        return speed / per_token, f"{cores} ({assumed})"
    reference = _H200 if hardware.min_gpu_memory_gb > _A100_GB else _A100
    known, other = kind_of(name), kind_of(reference)
    assert other is not None  # noqa: S101 - a name of the table
    peak = (known or other).peak_flops
    on = f"{hardware.n_gpus} x {name or reference}"
    assumed = f"assumed: {100 * UTILISATION:g} % of {peak / 1e12:g} TFLOP/s each"
    if not name:
        assumed += "; there is no such GPU here"
    elif not known:
        assumed += f", the peak of an {reference}: its own is not known"
    return hardware.n_gpus * peak * UTILISATION / per_token, f"{on} ({assumed})"


def duration(hours: float) -> str:
    """Return hours in the unit that suits them."""
    if hours >= 48:
        return f"about {hours / 24:.1f} days"
    if hours >= 1:
        return f"about {hours:.1f} hours"
    return f"about {max(hours * 60, 0.1):.1f} minutes"
