"""Contamination: which parts of a benchmark's questions stand in the training data."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.errors import WildpaperError
from wildpaper.evaluate.ngrams import Integers, NgramSearch, Tokens, look_in_examples
from wildpaper.evaluate.questions import read_questions
from wildpaper.files import atomic_path
from wildpaper.progress import Progress
from wildpaper.train.examples import EXAMPLES
from wildpaper.train.recipe import load_recipe
from wildpaper.train.template import Template, load_template

LENGTHS = (8, 10, 13)
"""Tokens of an n-gram: 10 in the report on Llama 2, 13 in that on GPT-3, and fewer."""

OVERLAPS = pa.schema(
    [
        pa.field("question_id", pa.int64(), nullable=False),
        pa.field("category", pa.string(), nullable=False),
        pa.field("turn", pa.int32(), nullable=False),
        pa.field("ngram", pa.int32(), nullable=False),
        pa.field("n_tokens", pa.int32(), nullable=False),
        pa.field("n_covered", pa.int32(), nullable=False),
        pa.field("n_training_tokens", pa.int64(), nullable=False),
    ]
)
"""One row a turn (from 1) of a question and length of n-grams; tokens that were searched."""

_IDS = "input_ids"
_ROWS_AT_A_TIME = 1000


@dataclass(frozen=True, slots=True)
class Turn:
    """What a user says in one turn of a question, without what the template puts around it."""

    question_id: int
    category: str
    turn: int
    tokens: Tokens

    def ngrams(self, length: int) -> Tokens:
        """Return its n-grams, shape (n, length); a shorter turn has one, itself."""
        size = min(length, len(self.tokens))
        return np.lib.stride_tricks.sliding_window_view(self.tokens, size)


def find_contamination(
    questions: Path,
    examples: list[Path],
    recipe: Path,
    tokenizer: Path,
    overlaps: Path,
    lengths: Sequence[int] = LENGTHS,
) -> None:
    """Count the tokens of each question that lie in an n-gram of the training data.

    Parameters
    ----------
    questions : Path
        See `wildpaper.evaluate.questions`.
    examples : list of Path
        All shards of what a model was trained on: prompts and replies.
    recipe, tokenizer : Path
        What the examples were made with; the questions are encoded in the same way.
    overlaps : Path
        To write, see `OVERLAPS`; no text.
    lengths : sequence of int
        Tokens of an n-gram. A turn of fewer tokens is looked for whole.

    Raises
    ------
    WildpaperError
        If an input cannot be read, or there is no training data.

    Notes
    -----
    Touvron et al. (2023), "Llama 2", appendix A.6: a token is contaminated if it stands in a
    run of tokens that the evaluation sample and the training data share. That report also
    lets up to four tokens of a run differ; here none may. An n-gram lies within one example.
    Memory does not grow with the training data.
    """
    turns = encode_questions(questions, load_template(load_recipe(recipe).data, tokenizer))
    wanted = search_for(turns, lengths)
    searches = list(dict.fromkeys(wanted.values()))
    n_tokens = 0
    progress = Progress("Contamination", sum(map(_count, examples)), "training tokens")
    for path in examples:
        for input_ids, ends in _read(path):
            look_in_examples(searches, input_ids, ends)
            n_tokens += len(input_ids)
            progress.advance(len(input_ids))
    if not n_tokens:
        raise WildpaperError(
            "There is no training data to search", where=", ".join(map(str, examples))
        )
    rows = [
        {
            "question_id": turn.question_id,
            "category": turn.category,
            "turn": turn.turn,
            "ngram": length,
            "n_tokens": len(turn.tokens),
            "n_covered": covered_tokens(turn, length, wanted),
            "n_training_tokens": n_tokens,
        }
        for turn in turns
        for length in lengths
    ]
    with atomic_path(overlaps) as temporary:
        pq.write_table(pa.Table.from_pylist(rows, OVERLAPS), temporary, compression="zstd")


def encode_questions(questions: Path, template: Template) -> list[Turn]:
    """Return the turns of questions as the tokens that they are within a prompt."""
    # What stands around a message is what the prompts of two messages share, which agree in
    # neither their first nor their last token.
    one, other = _prompt(template, "x"), _prompt(template, "7")
    n_before, n_after = _n_shared(one, other), _n_shared(one[::-1], other[::-1])
    found = []
    for question in read_questions(questions):
        for number, text in enumerate(question.turns, start=1):
            prompt = _prompt(template, text)
            tokens = np.array(prompt[n_before : len(prompt) - n_after], np.int32)
            found.append(Turn(question.question_id, question.category, number, tokens))
    return found


def _prompt(template: Template, text: str) -> list[int]:
    """Return the tokens of a first message and of all that calls for a reply to it."""
    exchanges, _ = template.exchanges([("user", text), ("assistant", "x")])
    return exchanges[0][0].prompt


def _n_shared(one: list[int], other: list[int]) -> int:
    """Return how many tokens at their beginnings agree."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))


def search_for(turns: Sequence[Turn], lengths: Sequence[int]) -> dict[int, NgramSearch]:
    """Return {tokens of an n-gram: where it is looked for} of all turns and lengths."""
    found: dict[int, list[Tokens]] = defaultdict(list)
    for turn in turns:
        for length in lengths:
            ngrams = turn.ngrams(length)
            found[ngrams.shape[1]] += list(ngrams)
    # those of whole short turns apart: their beginnings are too frequent to go by
    long = [length for length in found if length >= min(lengths)]
    searches = {length: NgramSearch(found[length]) for length in found if length not in long}
    if long:
        searches |= dict.fromkeys(long, NgramSearch([ngram for n in long for ngram in found[n]]))
    return searches


def covered_tokens(turn: Turn, length: int, searches: Mapping[int, NgramSearch]) -> int:
    """Return how many tokens of a turn lie in one of its n-grams that was met."""
    ngrams = turn.ngrams(length)
    search = searches[ngrams.shape[1]]
    met = np.array([search.met(ngram) for ngram in ngrams])
    return int((np.convolve(met, np.ones(ngrams.shape[1])) > 0).sum())


def _count(path: Path) -> int:
    """Return about how many tokens a file of examples holds, without reading them."""
    with _open(path) as file:
        column = file.schema_arrow.names.index(_IDS)
        groups = (file.metadata.row_group(i) for i in range(file.num_row_groups))
        # columns before it have one leaf each, so it has the same number among the leaves
        return sum(group.column(column).num_values for group in groups)


def _read(path: Path) -> Iterator[tuple[Tokens, Integers]]:
    """Yield some examples at a time: their tokens end to end, and where each example ends."""
    with _open(path) as file:
        try:
            for batch in file.iter_batches(_ROWS_AT_A_TIME, columns=[_IDS], use_threads=False):
                lists = batch.column(0)
                ends = np.cumsum(lists.value_lengths().to_numpy(), dtype=np.int64)
                yield lists.flatten().to_numpy(), ends
        except (pa.ArrowException, OSError) as error:
            raise WildpaperError(f"Cannot read examples: {error}", where=str(path)) from error


def _open(path: Path) -> pq.ParquetFile:
    try:
        file = pq.ParquetFile(path, pre_buffer=False)  # else all of it is kept, compressed
    except (pa.ArrowException, OSError) as error:
        raise WildpaperError(f"Cannot read examples: {error}", where=str(path)) from error
    schema = file.schema_arrow
    if schema.names != EXAMPLES.names or schema.types != EXAMPLES.types:
        raise WildpaperError(
            f"Not a file of examples: its columns are {schema.names}",
            where=str(path),
            hint="Delete it and run again; the workflow writes it anew.",
        )
    return file
