"""Digests of the params of a job: what its settings were, without keeping their values."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

_ABOUT_THE_MACHINE = ("device", "n_gpus", "n_threads")
_KEPT_ELSEWHERE = ("code",)
_LENGTH = 8


def param_digests(params: Iterable[tuple[str, Any]]) -> dict[str, str]:
    """Return {name: 8 hex digits of its value} of the named params of a job.

    Parameters
    ----------
    params : iterable of (str, value)
        Values are plain JSON, tuples counting as lists.

    Notes
    -----
    What says where a job runs (device, threads) is left out: it decides how fast a result
    comes, not which. So is `code`, of which records have the digest itself. A path of somebody's
    machine cannot be read from a digest.
    """
    found = {}
    for name, value in params:
        if name not in (*_ABOUT_THE_MACHINE, *_KEPT_ELSEWHERE):
            text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
            found[name] = hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]
    return dict(sorted(found.items()))
