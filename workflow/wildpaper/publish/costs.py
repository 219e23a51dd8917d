"""What the parts cost that need a GPU or a paid judge, and speeds that were measured.

Nothing here is timed by the run: hours are reckoned from recipes and the published sizes of
the data, speeds are read from tables that lie in ``benchmarks/results/``. So the paper says
the same whenever and wherever it is built.
"""

import re
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from wildpaper.errors import WildpaperError
from wildpaper.files import write_text
from wildpaper.publish.published import load_published
from wildpaper.tex import escape
from wildpaper.train.estimate import TrainingPlan, plan_training
from wildpaper.train.expected import expected
from wildpaper.train.hardware import Machine
from wildpaper.train.recipe import load_recipe
from wildpaper.train.workload import Run

_GB = 1e9
_MILLION = 1e6
_NO_MACHINE = Machine((), 10**18, 10**18)
"""Without a GPU: hours are then for the one that a recipe is reckoned with."""
_QUESTIONS, _TURNS, _ORDERS = 80, 2, 2
"""Of MT-bench: Zheng et al. 2023, section 2.2; each pair is judged in both orders."""
_TITLES = {
    "models": "the models of section 5",
    "coverage matrix": "coverage of one data set by another (figure 3)",
    "sizes of the data": "sizes of the training data",
}


@dataclass(frozen=True, slots=True)
class Measured:
    """A file of ``benchmarks/results/``: its title, a line on the machine, tables of cells.

    The second row of a table says how its columns are aligned, as in Markdown.
    """

    title: str
    machine: str
    tables: list[list[list[str]]]


def write_costs(
    recipes: list[Path], published: Path, benchmarks: list[Path], costs: Path, measured: Path
) -> None:
    """Write what training and judging would cost, and the speeds that were measured.

    Parameters
    ----------
    recipes : list of Path
        ``data/recipes/*.yaml``; those that need a GPU are reckoned.
    published : Path
        ``data/published.yaml``: sizes of the data, rows of Tables 9 and 10.
    benchmarks : list of Path
        ``benchmarks/results/*.md``.
    costs, measured : Path
        LaTeX to write.
    """
    claims, _ = load_published(published)
    ids = [claim.id for claim in claims]
    n_compared = len(_second_parts(ids, "figure-03"))
    loaded = [load_recipe(path) for path in recipes]
    plans = [
        plan_training(recipe, expected(recipe, published), _NO_MACHINE, n_compared)
        for recipe in loaded
        if recipe.hardware.device == "cuda" and recipe.architecture
    ]
    write_text(costs, _cost_table(plans) + _judging(ids))
    found = [read_measured(path) for path in benchmarks]
    write_text(measured, "".join(_measured(one) for one in found) or "None yet.\n")


def _second_parts(ids: list[str], group: str) -> set[str]:
    return {name.split(".")[1] for name in ids if name.startswith(f"{group}.")}


def _cost_table(plans: list[TrainingPlan]) -> str:
    lines = [
        r"\begin{center}\small",
        r"\begin{tabular}{@{}lrrrr@{}}",
        r"\toprule",
        r"Training & Models & Million tokens & Steps & GPU hours \\",
    ]
    for plan in plans:
        lines += [r"\midrule", _heading(plan), *(_row(run, plan.n_devices) for run in plan.runs)]
        hours = sum(run.hours or 0.0 for run in plan.runs) * plan.n_devices
        lines.append(rf"\quad all & & & & {_rounded(hours)} \\")
    if not plans:
        lines.append(r"\midrule \multicolumn{5}{@{}l@{}}{No recipe needs a GPU.} \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{center}"]) + "\n"


def _heading(plan: TrainingPlan) -> str:
    on = plan.on.partition("; there is no")[0].rstrip(")") + ")"
    room = (
        f"{plan.memory_bytes / _GB:.0f} GB of memory each, {plan.disk_bytes / _GB:.0f} GB of disk"
    )
    said = escape(f"{on.replace(' x ', ' × ')}; {room}")
    return (
        r"\multicolumn{5}{@{}p{0.9\linewidth}@{}}{\raggedright "
        rf"\textbf{{{escape(plan.recipe.title)}}}\\ {{\footnotesize\wpfaint {said}}}}} \\"
    )


def _row(run: Run, n_devices: int) -> str:
    tokens = "--" if run.n_tokens is None else _rounded(run.n_tokens / _MILLION)
    steps = "--" if run.n_steps is None else _rounded(run.n_steps)
    hours = "--" if run.hours is None else _rounded(run.hours * n_devices)
    title = _TITLES.get(run.title, run.title)
    return rf"\quad {escape(title)} & {run.n_models} & {tokens} & {steps} & {hours} \\"


def _rounded(value: float) -> str:
    """Return a number without a fraction; below ten with one digit."""
    return (f"{value:,.0f}" if value >= 10 else f"{value:.1f}").replace(",", "{,}")


def _judging(ids: list[str]) -> str:
    n_models, n_pairs = (len(_second_parts(ids, group)) for group in ("table-09", "table-10"))
    grades = n_models * _QUESTIONS * _TURNS
    verdicts = n_pairs * _QUESTIONS * _TURNS * _ORDERS
    return (
        rf"\noindent Judging takes {_rounded(grades)} grades for the {n_models} models of "
        rf"Table 9 and {_rounded(verdicts)} comparisons for the {n_pairs} pairs of Table 10, "
        "each one request to the judge; what a request costs is the judge's price, which the "
        "configuration states.\n"
    )


def read_measured(path: Path) -> Measured:
    """Read one file of measured speeds.

    Raises
    ------
    WildpaperError
        If it is not a title, a line on the machine and tables in Markdown with equal rows.
    """
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    blocks = [list(block) for is_row, block in groupby(lines, _is_row) if is_row]
    tables = [[_cells(line) for line in block] for block in blocks]
    said = [line for line in lines if line and not line.startswith(("|", "-"))]
    whole = all(len(table) > 2 and len({len(row) for row in table}) == 1 for table in tables)
    if not (tables and whole and len(said) > 1 and said[0].startswith("# ")):
        raise WildpaperError(
            "This is no file of measured speeds.",
            where=str(path),
            hint="Write a title (# …), a line on the machine, and tables with equal rows.",
        )
    return Measured(said[0][2:], said[1], tables)


def _is_row(line: str) -> bool:
    return line.startswith("|")


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))]


def _measured(one: Measured) -> str:
    tables = "".join(_tabular(table) for table in one.tables)
    return rf"\paragraph{{{escape(one.title)}.}} {escape(one.machine)}" + "\n" + tables


def _tabular(table: list[list[str]]) -> str:
    head, aligned, *body = table
    right = [cell.endswith(":") for cell in aligned]
    columns = "".join(
        "r" if on_right else r">{\raggedright\arraybackslash}p{0.24\linewidth}"
        for on_right in right
    )
    heads = [_stacked(cell, on_right) for cell, on_right in zip(head, right, strict=True)]
    rows = [heads, *([escape(cell) for cell in row] for row in body)]
    first, *others = [" & ".join(row) + r" \\" for row in rows]
    lines = [rf"\begin{{tabular}}{{@{{}}{columns}@{{}}}}", r"\toprule", first, r"\midrule", *others]
    inside = "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])
    return f"\\begin{{center}}\\small\\wpfit{{%\n{inside}}}\\end{{center}}\n"


def _stacked(head: str, on_right: bool) -> str:
    """Return a heading with a word or two on each line."""
    lines: list[str] = []
    for word in head.split():
        if lines and len(lines[-1]) + len(word) < 12:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    text = r"\\ ".join(escape(line) for line in lines)
    return rf"\begin{{tabular}}[b]{{@{{}}{'r' if on_right else 'l'}@{{}}}}{text}\end{{tabular}}"
