"""Fetch a model that Detoxify publishes, and convert it to safetensors."""

import argparse
from pathlib import Path

NAME, HELP = "fetch-detoxify", "fetch a model that Detoxify publishes, as safetensors"

_REGISTRY = Path(__file__).resolve().parents[3] / "data" / "detoxify.yaml"


def describe(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    from wildpaper.annotate.names import PUBLISHED_DETOXIFY

    parser.add_argument("name", choices=PUBLISHED_DETOXIFY, help="the paper's is multilingual")
    parser.add_argument("--out", required=True, type=Path, help="folder to write")
    parser.add_argument("--registry", type=Path, default=_REGISTRY, help=argparse.SUPPRESS)


def run(chosen: argparse.Namespace) -> int:
    """Fetch and convert; return the exit status. What is there is not fetched again."""
    from wildpaper.annotate.detoxify.convert import convert_detoxify
    from wildpaper.annotate.detoxify.converted import ABOUT, CHECKED
    from wildpaper.annotate.detoxify.published import fetch_detoxify, published_paths

    fetched = chosen.out / "fetched"
    paths = published_paths(chosen.registry, chosen.name)
    checkpoint = fetched / paths["checkpoint"]
    base = [fetched / path for path in paths["base"]]
    acquired = fetched / "acquired.json"
    if not all(path.is_file() for path in (checkpoint, *base, acquired)):
        fetch_detoxify(chosen.registry, checkpoint, base, acquired, chosen.name)
    if not (chosen.out / ABOUT).is_file():
        convert_detoxify(checkpoint, *[chosen.out / name for name in (*CHECKED, ABOUT)])
    print(f"The model is in {chosen.out}; score-toxicity --checkpoint takes that folder.")
    return 0
