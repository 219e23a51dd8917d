"""One of several processes that train together: ``python -m wildpaper.train.worker CALL``."""

import importlib
import json
import logging
import sys
import traceback
from pathlib import Path

from wildpaper.errors import WildpaperError
from wildpaper.train.launch import (
    AGAIN,
    FAILED,
    MemoryRanOut,
    die_with_parent,
    is_first,
    revived,
)


def main(path: Path) -> int:
    """Call what `wildpaper.train.launch.across_devices` wrote down; return the status."""
    die_with_parent()
    log = logging.getLogger("wildpaper")
    log.setLevel(logging.INFO if is_first() else logging.ERROR)
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S"))
    log.addHandler(handler)
    call = json.loads(path.read_text(encoding="utf-8"))
    module, _, name = call["function"].partition(":")
    function = getattr(importlib.import_module(module), name)
    try:
        function(**{key: revived(value) for key, value in call["arguments"].items()})
    except MemoryRanOut:
        return _fail(WildpaperError(AGAIN))
    except WildpaperError as error:
        return _fail(error)
    except Exception as error:  # noqa: BLE001 - whatever it is, the others must hear of it
        traceback.print_exc()
        return _fail(WildpaperError(f"{type(error).__name__}: {error}"))
    return 0


def _fail(error: WildpaperError) -> int:
    """Tell the process that started this one why it stops; return the status."""
    sys.stderr.write(f"{FAILED}{json.dumps([error.what, error.where, error.hint])}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
