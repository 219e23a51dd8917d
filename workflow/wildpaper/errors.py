"""Errors that a user of the workflow can act on."""


class WildpaperError(Exception):
    """Something the user can mend: what is wrong, where, and what to do.

    Parameters
    ----------
    what : str
        What is wrong, in one sentence.
    where : str, optional
        The file, row, key or address concerned.
    hint : str, optional
        What the user can do about it.
    """

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        self.what = what
        self.where = where
        self.hint = hint
        super().__init__(what)

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  Where: {self.where}")
        if self.hint:
            lines.append(f"  Hint:  {self.hint}")
        return "\n".join(lines)
