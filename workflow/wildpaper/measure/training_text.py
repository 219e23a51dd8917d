"""Settings of the fine-tuning, as far as the paper's text states them."""

from pathlib import Path
from typing import Any

from wildpaper.files import read_json, write_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.releases import route_of

ROW = "training"


def measure_training_text(trained: Path, reports: list[Path], table: Path, notes: Path) -> None:
    """Write what the model under study was trained with.

    Parameters
    ----------
    trained : Path
        ``report.json`` of the model under study, which holds its recipe.
    reports : list of Path
        Ingest report of its data set.
    table, notes : Path
        To write: the long table, and why a value differs {claim id: text}.
    """
    about = read_json(trained)
    route = route_of(read_json(path)["release"] for path in reports)
    settings = about["settings"]
    values: list[tuple[str, Any, str]] = [
        ("cutoff", settings["data"]["cutoff"], "date"),
        ("batch", settings["optimiser"]["batch"], "conversations"),
        ("learning-rate", settings["optimiser"]["learning_rate"], ""),
        ("max-length", settings["data"]["max_length"], "tokens; longer conversations are split"),
        ("epochs", about["epochs"], "epochs"),
        ("hardware", about["hardware"], ""),
    ]
    write_long_table(
        table,
        [
            Cell(ROW, column, value, None, None, None, unit, f"training.{column}", route)
            for column, value, unit in values
        ],
    )
    write_json(notes, _explain(about))


def _explain(about: dict[str, Any]) -> dict[str, str]:
    settings = about["settings"]
    recipe = f"the run follows the recipe '{about['recipe']}': {settings['title']}"
    notes = {
        f"training.{column}": recipe
        for column in ("cutoff", "batch", "learning-rate", "max-length", "hardware")
    }
    if settings["data"]["cutoff"] is None:
        notes["training.cutoff"] = f"{recipe}; it sets no cutoff"
    bound = next(
        f"{settings['optimiser'][key]:,} {words}"
        for key, words in (("epochs", "epochs"), ("max_steps", "steps"), ("max_tokens", "tokens"))
        if settings["optimiser"][key] is not None
    )
    notes["training.epochs"] = f"{recipe}, which ends after {bound}"
    return notes
