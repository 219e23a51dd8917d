"""Runs of the simulator for its tests."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from wildpaper.acquire.simulation.study import simulate_study

PUBLISHED = Path(__file__).parents[2] / "data" / "published.yaml"


@dataclass(frozen=True)
class Run:
    """A simulated study in a folder."""

    folder: Path

    @property
    def rawlogs(self) -> Path:
        return self.folder / "rawlogs"

    def json(self, name: str) -> dict:
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    @property
    def realised(self) -> dict:
        return self.json("truth.json")["realised"]

    def contents(self) -> dict[str, bytes]:
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in files}

    def calls(self) -> list[dict]:
        """Return the calls of all lines of the blocks' files that are JSON."""
        found = []
        for path in sorted(self.rawlogs.glob("calls-*.jsonl")):
            for line in path.read_text(encoding="utf-8").split("\n"):
                try:
                    found.append(json.loads(line))
                except ValueError:
                    continue
        return found

    def answered(self) -> list[dict]:
        """Return the calls whose headers and reply are there."""
        calls = (call for call in self.calls() if call.get("headers") and call["response"])
        return [call for call in calls if "message" in call["response"]]

    def lines(self, pattern: str) -> list[dict]:
        """Return the records of files whose lines are all JSON."""
        return [
            json.loads(line)
            for path in sorted(self.folder.glob(pattern))
            for line in path.read_text(encoding="utf-8").split("\n")
            if line
        ]


def simulate(
    folder: Path, n: int = 300, seed: int = 5, n_workers: int = 1, length_scale: float = 0.05,
    tokenizer: Path | None = None, datasets: tuple[str, ...] = (), n_labelled: int = 0,
) -> Run:  # fmt: skip
    """Simulate a small study below a folder."""
    simulate_study(
        tokenizer=tokenizer,
        published=PUBLISHED,
        truth=folder / "truth.json",
        personal=folder / "personal.json",
        true_calls=folder / "true-calls.parquet",
        rawlogs=folder / "rawlogs" / "acquired.json",
        datasets=[folder / name / "acquired.json" for name in datasets],
        labelled=[folder / "labelled" / f"{part}.jsonl" for part in LABELLED] if n_labelled else [],
        n_conversations=n,
        n_per_dataset=20,
        n_labelled=n_labelled,
        length_scale=length_scale,
        seed=seed,
        n_workers=n_workers,
        moderation=folder / "moderation" / "acquired.json" if datasets else None,
    )
    return Run(folder)


LABELLED = ("train", "assess", "prompts-train", "prompts-assess")
LARGE = {"n": 3000, "seed": 1, "length_scale": 0.01}


@cache
def small_study(folder: Path) -> Run:
    """Return the smallest study, made once below a folder of the session."""
    return simulate(folder / "small-study", n=200, n_labelled=300, datasets=("alpaca", "sharegpt"))


@cache
def large_study(folder: Path) -> Run:
    """Return a study of two blocks, made once below a folder of the session."""
    return simulate(folder / "large-study", **LARGE)
