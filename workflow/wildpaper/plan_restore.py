"""What data a run is made of, as archives write it down and compare it."""

from pathlib import Path

from wildpaper.plan import RAWLOGS, Plan


def origins(plan: Plan) -> dict[str, dict[str, str]]:
    """Return {data set: source, version, and names and sizes of the user's own files}.

    Files that are absent are left out: a run that restores may not have them.
    """
    found = {
        name: {
            "source": one.source,
            "version": "" if one.source == "path" else one.version,
            "files": _sizes(one.files),
        }
        for name, one in plan.datasets.items()
    }
    if plan.rawlogs and not plan.planted:
        files = _sizes(plan.rawlogs.files)
        found[RAWLOGS] = {"source": RAWLOGS, "version": "", "files": files}
    return found


def path_names(plan: Plan, results: str, private: str) -> dict[str, str]:
    """Return {path, or beginning of paths: what stands for it in the index of an archive}."""
    names = {f"{results}/": "{results}/", f"{private}/": "{private}/"}
    brought = {name: one.acquired for name, one in plan.datasets.items()}
    if plan.rawlogs:
        brought[RAWLOGS] = plan.rawlogs.acquired
    for name, path in brought.items():
        if not path.startswith(f"{results}/") and "/simulated/" not in path:
            names[path] = f"{{acquired}}/{name}"
    return names


def records(plan: Plan, results: str) -> dict[str, str]:
    """Return {member: file of raw data of which an archive holds a copy}.

    These say which releases were read, and what was planted: what draws and publishes looks it up.
    """
    found = {
        f"restored/{name}/acquired.json": one.acquired
        for name, one in plan.datasets.items()
        if not one.acquired.startswith(f"{results}/")
    }
    if plan.rawlogs:
        found[f"restored/{RAWLOGS}/acquired.json"] = plan.rawlogs.acquired
    if plan.simulation:
        found["restored/truth.json"] = plan.simulation.file("truth.json")
    return found


def _sizes(files: list[str]) -> str:
    there = [Path(file) for file in files if Path(file).is_file()]
    return "; ".join(f"{path.name}: {path.stat().st_size}" for path in there)
