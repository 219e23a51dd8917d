"""The one bridge from a rule to a library function.

A rule names the function in ``params.call`` ("module:function"); ``params.code`` and
``params.watch`` only make a job run again. Inputs, outputs and the remaining params are
passed by their names, files as `Path` (lists where the rule has lists), and the rule's
threads to a function that takes ``n_workers``. The bridge sets up the log, turns errors
that the user can mend into a few plain lines, and leaves a provenance record beside the
log.
"""

import importlib
import os
import sys
from pathlib import Path

snakemake = globals()["snakemake"]
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = str(snakemake.threads)
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
sys.path.insert(0, str(Path(snakemake.scriptdir).parent))

_bridge = importlib.import_module("wildpaper.bridge")
sys.exit(_bridge.run(snakemake))
