"""Tables 1, 2, 3 and 5 of large corpora: ours beside `datasets` with loops, and pandas.

    python benchmarks/statistics.py [--sizes 50000 200000] [--contenders ours ...]

Writes corpora from the simulator's distributions (`statistics_corpus.py`), gives them to
each contender (`statistics_contenders.py`) in a process of its own, one at a time, and prints time
and peak memory (`statistics_run.py`). The clock starts when all libraries are imported and
stops when the values are there; all files are in the page cache. Where others use the machine,
compare `CPU s`. The exit status is 1 if a contender finds another value, if ours is not 10
times faster than loops of `datasets` over the same files, or if its memory in the largest
corpus is more than 20 % above that in the smallest.

Who imports `statistics` from a script in this folder finds this file first; it then gives
the module of the standard library.
"""

import importlib.machinery
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent


def standard_library_module() -> ModuleType:
    """Return the module `statistics` of the standard library."""
    elsewhere = [entry for entry in sys.path if Path(entry or ".").resolve() != HERE]
    spec = importlib.machinery.PathFinder.find_spec("statistics", elsewhere)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["statistics"] = module
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    # Behind the standard library, so that this file does not stand in its way.
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != HERE]
    sys.path += [str(HERE), str(HERE.parent / "workflow")]
    from statistics_run import main

    sys.exit(main())
else:
    standard_library_module()
