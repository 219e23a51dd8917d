"""How much data a training will have: counted, or estimated from what the paper says."""

import datetime
import math
from dataclasses import dataclass
from pathlib import Path

from wildpaper.errors import WildpaperError
from wildpaper.files import read_json
from wildpaper.publish.published import load_published
from wildpaper.train.recipe import Recipe

PUBLISHED = Path(__file__).resolve().parents[3] / "data" / "published.yaml"

_TOKENS_AN_EXAMPLE, _TOKENS_A_TURN = 31, 9
"""What the template vicuna_v1.1 adds: its first sentence, and the names of the speakers."""


@dataclass(frozen=True, slots=True)
class DataSize:
    """One pass over the training data.

    Attributes
    ----------
    n_tokens, n_examples : int
        Tokens with those of the template.
    source : str
        How they are known, in words.
    """

    n_tokens: int
    n_examples: int
    source: str


def counted(report: Path) -> DataSize:
    """Return what `wildpaper.train.prepare.prepare_training` counted.

    Raises
    ------
    WildpaperError
        If the file is not one of its reports.
    """
    try:
        share = read_json(report)["shares"]["train"]
        return DataSize(int(share["tokens"]), int(share["examples"]), "counted")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WildpaperError(
            "This is no report on training data",
            where=str(report),
            hint="Name a file train/<model>/data.json of a run.",
        ) from error


def expected(recipe: Recipe, published: Path = PUBLISHED) -> DataSize | None:
    """Return an estimate for the data of the model under study; None if the paper lacks it.

    Notes
    -----
    From Table 1: conversations x turns x mean tokens, less what is held out. Where the recipe
    has a cutoff and the data set dates, as many conversations as days of the collection lie
    before it. Examples as if lengths were distributed exponentially: a conversation of mean
    length m makes 1 / (1 - exp(-max_length / m)) pieces. Languages that are left aside and
    toxic conversations that are dropped are not taken off.
    """
    dataset = recipe.models[recipe.studied].dataset
    claims, _ = load_published(published)
    values = {claim.id: claim.value for claim in claims}
    names = ("conversations", "turns-per-conversation", "user-tokens-mean", "chatbot-tokens-mean")
    found = [values.get(f"table-01.{dataset}.{name}") for name in names]
    if None in found:
        return None
    n, turns, user, chatbot = (float(value or 0) for value in found)
    kept = 1 - recipe.data.held_out_percent / 100
    source = f"estimated from Table 1: {n:,.0f} conversations of {dataset}"
    if dataset == "wildchat" and recipe.data.cutoff:
        share = _share(values, recipe.data.cutoff)
        kept *= share
        source += f", {100 * share:.0f} % of them before {recipe.data.cutoff} by days"
    mean = turns * (user + chatbot + _TOKENS_A_TURN)
    room = recipe.data.max_length - _TOKENS_AN_EXAMPLE
    pieces = 1 / (1 - math.exp(-room / mean))
    n_examples = n * kept * pieces
    n_tokens = n * kept * mean + n_examples * _TOKENS_AN_EXAMPLE
    return DataSize(round(n_tokens), round(n_examples), source)


def _share(values: dict[str, int | float | str], cutoff: datetime.date) -> float:
    """Return the share of the days of the collection that lie up to a day."""
    first, last = (
        datetime.date.fromisoformat(str(values[f"collection.{name}"])) for name in ("start", "end")
    )
    return min(max(((cutoff - first).days + 1) / ((last - first).days + 1), 0.0), 1.0)
