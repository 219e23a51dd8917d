"""Distribution of message lengths: what mean and deviation of Table 1 do not show."""

import csv
from io import StringIO
from pathlib import Path

from wildpaper.files import write_text
from wildpaper.measure.shards import each_dataset

COLUMNS = ("dataset", "role", "low_tokens", "high_tokens", "n_messages", "share", "route")

_QUERY = """
SELECT CASE WHEN n_tokens = 0 THEN -1 ELSE CAST(floor(log2(n_tokens)) AS INTEGER) END AS power,
       count(*) AS n
FROM messages WHERE role = ? GROUP BY power ORDER BY power
"""


def measure_token_lengths(
    reports: list[Path],
    conversations: list[Path],
    messages: list[Path],
    tokens: list[Path],
    table: Path,
) -> None:
    """Count messages by length, in bins that double: 0, 1, 2-3, 4-7, ... Llama-2 tokens.

    Parameters
    ----------
    reports, conversations, messages, tokens
        See `each_dataset`.
    table : Path
        CSV with the columns `COLUMNS`; a bin holds low_tokens <= n < high_tokens.
    """
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for opened in each_dataset(reports, conversations, messages, {"tokens": tokens}):
        route = opened.route("tokens")
        for name, role in (("user", "user"), ("chatbot", "assistant")):
            bins = opened.connection.execute(_QUERY, [role]).fetchall()
            total = sum(n for _, n in bins)
            for power, n in bins:
                low, high = (0, 1) if power < 0 else (2**power, 2 ** (power + 1))
                writer.writerow([opened.dataset, name, low, high, n, repr(n / total), route])
    write_text(table, buffer.getvalue())
