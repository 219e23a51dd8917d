"""Texts a second: ours beside Detoxify's own `predict`, text by text and in lists of 32.

    python benchmarks/detoxify.py [--texts 300] [--device cuda] [--write] [--check]

All contenders score the same texts, none left out for being there twice, with one model: an
XLM-RoBERTa of base size, as Detoxify's multilingual model is, with random weights whose scores
are spread as real ones are (`detoxify_model.py`). The texts are the messages of OASST1's English
validation file (folder: WILDPAPER_REALDATA or --realdata), else invented ones of such lengths.
Beside the rates stand the largest difference of a score from that of `predict` for the text
alone, and how many texts are on another side of 0.1. The exit status is 1 if ours in fp32 differs
by more than 0.00001, or a decision of ours differs, or, unless with --check, ours is too slow.

Needs torch, transformers, sentencepiece and detoxify, which may be a wheel that is not installed
(--wheel); no network. `--check` runs the same code on a tiny model in a few seconds.

Who imports `detoxify` from a script in this folder finds this file first; it then gives the
installed package.
"""

import importlib.machinery
import importlib.util
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def become_the_package() -> None:
    """Put the installed package `detoxify` in the place of this module."""
    elsewhere = [entry for entry in sys.path if Path(entry or ".").resolve() != HERE]
    spec = importlib.machinery.PathFinder.find_spec("detoxify", elsewhere)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError("No module named 'detoxify'", name="detoxify")
    module = importlib.util.module_from_spec(spec)
    sys.modules["detoxify"] = module
    spec.loader.exec_module(module)


if __name__ == "__main__":
    # Behind the installed packages, so that this file does not stand in their way.
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != HERE]
    sys.path += [str(HERE), str(HERE.parent / "workflow")]
    from detoxify_run import main

    sys.exit(main())
else:
    become_the_package()
