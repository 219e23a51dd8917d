"""The course of the training: loss by step, and on held-out conversations."""

import csv
from io import StringIO
from pathlib import Path

from wildpaper.files import read_json, write_text
from wildpaper.releases import route_of

COLUMNS = ("model", "title", "share", "step", "n_tokens", "loss_nats", "route")


def measure_loss_curve(
    losses: list[Path], trained: list[Path], reports: list[Path], table: Path
) -> None:
    """Join the losses of all models.

    Parameters
    ----------
    losses, trained : list of Path
        ``losses.json`` and ``report.json`` of each model, in one order.
    reports : list of Path
        Ingest reports of the data sets trained on.
    table : Path
        CSV with the columns `COLUMNS`; share is ``training`` (the step's own examples) or
        ``held-out`` (of the model's own data set); n_tokens are those seen so far.
    """
    simulated = {
        report["dataset"]: route_of([report["release"]]) for report in map(read_json, reports)
    }
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for path, about in zip(losses, map(read_json, trained), strict=True):
        found = read_json(path)
        for share, key in (("training", "training"), ("held-out", "held_out")):
            for point in found[key]:
                loss = repr(point["loss_nats"])
                writer.writerow([found["model"], about["title"], share, point["step"],
                                 point["n_tokens"], loss, simulated[about["dataset"]]])  # fmt: skip
    write_text(table, buffer.getvalue())
