"""Distribution of message lengths: what mean and deviation of Table 1 do not show."""

import csv
from io import StringIO
from pathlib import Path

from wildpaper.files import write_text
from wildpaper.measure.lengths import each_dataset

COLUMNS = ("dataset", "role", "low_tokens", "high_tokens", "n_messages", "share", "route")

_QUERY = """
SELECT CASE WHEN n_tokens = 0 THEN -1 ELSE CAST(floor(log2(n_tokens)) AS INTEGER) END AS power,
       count(*) AS n
FROM labelled WHERE role = ? GROUP BY power ORDER BY power
"""


def measure_token_lengths(
    reports: list[Path],
    conversations: list[Path],
    messages: list[Path],
    tokens: list[Path],
    languages: list[Path],
    table: Path,
) -> None:
    """Count messages by length, in bins that double: 0, 1, 2-3, 4-7, ... Llama-2 tokens.

    Parameters
    ----------
    reports, conversations, messages, tokens, languages
        See `each_dataset`.
    table : Path
        CSV with the columns `COLUMNS`; a bin holds low_tokens <= n < high_tokens.
    """
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    datasets = each_dataset(reports, conversations, messages, tokens, languages)
    for report, route, connection in datasets:
        for name, role in (("user", "user"), ("chatbot", "assistant")):
            bins = connection.execute(_QUERY, [role]).fetchall()
            total = sum(n for _, n in bins)
            for power, n in bins:
                low, high = (0, 1) if power < 0 else (2**power, 2 ** (power + 1))
                writer.writerow([report["dataset"], name, low, high, n, repr(n / total), route])
    write_text(table, buffer.getvalue())
