"""Claims as a table to read: what was published, what was obtained, and the verdict."""

from typing import Any

import pandas as pd

from wildpaper.publish.claims_md import format_interval, format_published, format_value


def compare_claims(claims: list[dict[str, Any]], prefix: str) -> pd.DataFrame:
    """Return the obtained claims whose id begins with `prefix`, formatted, one row each.

    Parameters
    ----------
    claims : list of dict
        The claims of ``claims.json``.
    prefix : str
        For example ``"table-01."``; it is left out of the row names.
    """
    found = [c for c in claims if c["id"].startswith(prefix) and c["obtained"] is not None]
    rows = [
        {
            "claim": claim["id"].removeprefix(prefix),
            "published": format_published(claim),
            "obtained": format_value(claim["obtained"], claim["tolerance"]),
            "95 % interval": format_interval(claim),
            "unit": claim["unit"],
            "verdict": claim["verdict"] or "own",
        }
        for claim in found
    ]
    columns = ["claim", "published", "obtained", "95 % interval", "unit", "verdict"]
    return pd.DataFrame(rows, columns=columns).set_index("claim")


def list_reasons(claims: list[dict[str, Any]], prefix: str) -> str:
    """Return the reasons behind verdicts other than `reproduced`, as a Markdown list."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for claim in claims:
        if claim["id"].startswith(prefix) and claim["obtained"] is not None and claim["reason"]:
            key = (claim["verdict"], claim["reason"])
            reasons.setdefault(key, []).append(claim["id"].removeprefix(prefix))
    lines = [
        f"- **{verdict}**, {', '.join(f'`{name}`' for name in names)}: {reason}"
        for (verdict, reason), names in reasons.items()
    ]
    return "\n".join(lines) or "No verdict needs a reason."


def tail_shares(lengths: pd.DataFrame, role: str) -> pd.DataFrame:
    """Return the share of messages with at least so many tokens, one column a data set.

    Parameters
    ----------
    lengths : DataFrame
        Columns of `wildpaper.measure.token_lengths.COLUMNS`.
    role : {"user", "chatbot"}

    Returns
    -------
    DataFrame
        Index: the lower ends of the bins, ascending. Shares between 0 and 1; no column
        where there is no message of the role.
    """
    chosen = lengths[lengths["role"] == role]
    shares = chosen.pivot_table(index="low_tokens", columns="dataset", values="share")
    return shares.astype(float).fillna(0.0)[::-1].cumsum()[::-1]
