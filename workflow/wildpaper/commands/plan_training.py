"""Print what a recipe will take on this machine, and what the machine lacks for it."""

import argparse
from pathlib import Path

from wildpaper.plan_training import recipe_file
from wildpaper.train.estimate import plan_training
from wildpaper.train.expected import counted, expected
from wildpaper.train.hardware import this_machine
from wildpaper.train.recipe import load_recipe

NAME, HELP = "plan-training", "what a recipe will take: memory, disk, hours, and what is lacking"

PROJECT = Path(__file__).resolve().parents[3]


def describe(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("recipe", help="name of a recipe in data/recipes/")
    parser.add_argument(
        "--data",
        type=Path,
        metavar="FILE",
        help="train/<model>/data.json of a run; else the data is estimated from the paper",
    )
    parser.add_argument(
        "--sets", type=int, default=6, help="data sets of the coverage matrix (default: 6)"
    )


def run(chosen: argparse.Namespace) -> int:
    """Print the plan; return 1 if this machine lacks something for it."""
    recipe = load_recipe(Path(recipe_file(chosen.recipe, str(PROJECT))))
    data = counted(chosen.data) if chosen.data else expected(recipe)
    plan = plan_training(recipe, data, this_machine(Path.cwd()), chosen.sets)
    print("\n".join([*plan.lines(), *(f"lacking: {one}" for one in plan.lacking)]))
    return 1 if plan.lacking else 0
