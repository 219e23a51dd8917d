"""Whether a result that was computed anew is the one from the archive."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.files import sha256_file

TOLERANCE = 1e-3
"""By which floats may differ, absolutely and relatively: models give other last digits on other
processors and with other numbers of threads. Everything else has to be equal."""


def difference(kept: Path, anew: Path) -> tuple[float, str]:
    """Compare a parquet file with another one.

    Returns
    -------
    float
        The largest difference of two floats; 0 if the files are the same byte by byte.
    str
        What differs beyond the tolerance; empty if nothing does.
    """
    if sha256_file(kept) == sha256_file(anew):
        return 0.0, ""
    a, b = pq.read_table(kept), pq.read_table(anew)
    if a.schema.remove_metadata() != b.schema.remove_metadata():
        return 0.0, "its columns"
    if a.num_rows != b.num_rows:
        return 0.0, f"its number of rows ({a.num_rows:,}, now {b.num_rows:,})"
    largest, wrong = 0.0, []
    for name in a.column_names:
        furthest, is_same = _columns(_flat(a.column(name)), _flat(b.column(name)))
        largest = max(largest, furthest)
        wrong += [] if is_same else [name]
    return largest, f"the columns {', '.join(wrong)}" if wrong else ""


def _flat(column: Any) -> Any:
    """Return a column as one array, vectors as their parts."""
    array = column.combine_chunks()
    while pa.types.is_list(array.type) or pa.types.is_fixed_size_list(array.type):
        array = array.flatten()
    return array


def _columns(a: Any, b: Any) -> tuple[float, bool]:
    """Return the largest difference of floats, and whether two arrays are the same."""
    if not pa.types.is_floating(a.type):
        return 0.0, bool(a.equals(b))
    if len(a) != len(b) or not a.is_null().equals(b.is_null()):
        return 0.0, False
    x, y = (np.asarray(one.drop_null().cast(pa.float64())) for one in (a, b))
    if not np.array_equal(np.isnan(x), np.isnan(y)):
        return 0.0, False
    x, y = x[~np.isnan(x)], y[~np.isnan(y)]
    furthest = float(np.max(np.abs(x - y), initial=0.0))
    return furthest, bool(np.allclose(y, x, rtol=TOLERANCE, atol=TOLERANCE))
