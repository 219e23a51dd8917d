"""Data sets whose embedded prompts are planted vectors."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa

from wildpaper.measure.embeddings import Embedded
from wildpaper.schema import embedding_schema, write_labels


def cloud(n: int, seed: int, centre: float = 0.0, width: int = 8) -> np.ndarray:
    """Return directions around an axis: the larger `centre`, the nearer to it."""
    vectors = np.random.default_rng(seed).standard_normal((n, width))
    vectors[:, 0] += centre
    return unit(vectors)


def unit(vectors) -> np.ndarray:
    vectors = np.asarray(vectors, np.float64)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def embedded(name: str, vectors, ids=None, simulated: bool = False) -> Embedded:
    ids = np.arange(len(vectors)) if ids is None else np.asarray(ids)
    return Embedded(name, name, simulated, ids.astype(np.int64), np.asarray(vectors, np.float32))


def write_vectors(
    folder: Path,
    name: str,
    vectors,
    n_shards: int = 1,
    shuffle: int | None = None,
    simulated: bool = False,
    encoder: str = "planted",
) -> dict[str, list[Path]]:
    """Write the report and the label of a data set; return their paths by name."""
    folder = folder / name
    folder.mkdir(parents=True)
    width = vectors.shape[1]
    ids = np.arange(len(vectors))
    paths = []
    for shard in range(n_shards):
        own = ids[ids % n_shards == shard]
        if shuffle is not None:
            np.random.default_rng(shuffle).shuffle(own)
        flat = pa.array(vectors[own].astype(np.float32).ravel())
        table = pa.table(
            {
                "conversation_id": pa.array(own, pa.int64()),
                "position": pa.array(np.zeros(len(own)), pa.int32()),
                "vector": pa.FixedSizeListArray.from_arrays(flat, width),
            }
        )
        paths.append(folder / f"{name}-{shard}.parquet")
        schema = embedding_schema(width)
        write_labels(paths[-1], "embedding", table, encoder, "computed", schema=schema)
    report = folder / "report.json"
    release = {"title": f"{name}, planted", "simulated": simulated}
    report.write_text(json.dumps({"dataset": name, "release": release}), encoding="utf-8")
    return {"reports": [report], "embeddings": paths}


def together(*sets: dict[str, list[Path]]) -> dict[str, list[Path]]:
    return {kind: [path for one in sets for path in one[kind]] for kind in sets[0]}
