"""A finished micro run whose Table 6 and Figure 2a can be measured and judged anew."""

import json

from wildpaper.measure import figure_02a_turns
from wildpaper.measure.toxicity import table_06_toxicity_overlap
from wildpaper.publish.claims import write_claims

BOOTSTRAP = {"n_replicates": 0, "seed": 1}


class Finished:
    """Measures on the data of a run, and the verdicts on what they give."""

    def __init__(self, run, project, folder):
        self.results, self.project, self.folder = run / "results/micro", project, folder
        (self.truth,) = (run / "data/raw/simulated").glob("*/truth.json")
        self.ingested = {
            "report": self.results / "ingest/wildchat/report.json",
            "conversations": self._shards("ingest/wildchat/conversations-*.parquet"),
        }

    def _shards(self, pattern):
        return sorted(self.results.glob(pattern))

    def measure_turns(self):
        table = self.folder / "figure-02a-turns.csv"
        notes = self.folder / "notes.json"
        figure_02a_turns.measure_turns(**self.ingested, table=table, notes=notes, **BOOTSTRAP)
        return table

    def measure_toxicity(self):
        table = self.folder / "table-06-toxicity-overlap.csv"
        table_06_toxicity_overlap.measure_toxicity_overlap(
            **self.ingested,
            messages=self._shards("ingest/wildchat/messages-*.parquet"),
            detoxify=self._shards("annotate/detoxify@recorded/wildchat-*.parquet"),
            moderation=self._shards("annotate/moderation@recorded/wildchat-*.parquet"),
            table=table,
            notes=self.folder / "notes.json",
            threshold=0.1,
            **BOOTSTRAP,
        )
        return table

    def missed(self, *measured):
        """Return the claims that miss the truth when tables take the place of the run's."""
        listed = json.loads((self.results / "publish/claims.json").read_text(encoding="utf-8"))
        blanks = {c["artifact"]: c["reason"] for c in listed["claims"] if c["verdict"] == "not-run"}
        new = {path.name: path for path in measured}
        tables = [new.get(path.name, path) for path in self._shards("measure/*.csv")]
        acquired = [self.results / "release/wildchat-full/acquired.json"]
        acquired += sorted(self.truth.parent.glob("*/acquired.json"))
        write_claims(
            published=self.project / "data/published.yaml",
            artifacts=self.project / "data/artifacts.yaml",
            acquired=[p for p in acquired if p.parent.name not in ("rawlogs", "moderation")],
            tables=[p for p in tables if p.read_text(encoding="utf-8").startswith("row,column")],
            notes=self._shards("measure/*.notes.json"),
            truth=[self.truth],
            errors=[self.results / "annotate/annotator-errors.json"],
            redaction=[self.results / "release/redaction-truth.json"],
            claims=self.folder / "claims.json",
            markdown=self.folder / "claims.md",
            table=self.folder / "claims.csv",
            preset="micro",
            datasets=list(listed["release"]),
            blanks={artifact: reason for artifact, reason in blanks.items() if artifact},
            minimum_prompts=5,
        )
        found = json.loads((self.folder / "claims.json").read_text(encoding="utf-8"))["claims"]
        return {claim["id"] for claim in found if claim["truth_verdict"] == "missed"}
