"""One of several processes that train together: ``python -m wildpaper.train.worker CALL``."""

import importlib
import json
import logging
import sys
from pathlib import Path

from wildpaper.errors import WildpaperError
from wildpaper.train.launch import FAILED, die_with_parent, is_first, revived


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
    except WildpaperError as error:
        sys.stderr.write(f"{FAILED}{' '.join(str(error).split())}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
