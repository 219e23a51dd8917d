"""Which first prompts are sorted into categories: a sample that neither shards nor order sway."""

from pathlib import Path

import duckdb
import numpy as np

from wildpaper.annotate.sample_order import sample_ranks

LANGUAGE = "English"
"""Of the prompts that the paper sorts."""

_FIRST_PROMPTS = """
SELECT first.conversation_id, first.position
FROM (
    SELECT conversation_id, min(position) AS position FROM read_parquet(?)
    WHERE CAST(role AS VARCHAR) = 'user' GROUP BY conversation_id
) first
JOIN read_parquet(?) label
    ON label.conversation_id = first.conversation_id AND label.position = first.position
WHERE label.language = ?
"""


def in_random_order(seed: int, dataset: str, conversation_ids: list[int]) -> list[int]:
    """Return conversations in the random order of a seed, whatever their own."""
    ranks = sample_ranks(seed, dataset, np.array(conversation_ids, np.int64)).tolist()
    return [number for _, number in sorted(zip(ranks, conversation_ids, strict=True))]


def english_first_prompts(messages: list[Path], languages: list[Path]) -> dict[int, int]:
    """Return {conversation: position of its first user message} where that is in English.

    Parameters
    ----------
    messages, languages : list of Path
        All shards of a data set, and of its label `language`.
    """
    names = [[str(path) for path in paths] for paths in (messages, languages)]
    with duckdb.connect() as connection:
        rows = connection.execute(_FIRST_PROMPTS, [*names, LANGUAGE]).fetchall()
    return dict(rows)


def draw_sample(first: dict[int, int], n_sample: int, seed: int, dataset: str) -> dict[int, int]:
    """Return `n_sample` of the items, all of them if there are fewer."""
    drawn = in_random_order(seed, dataset, list(first))[:n_sample]
    return {number: first[number] for number in drawn}
