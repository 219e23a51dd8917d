"""What an archive of a run holds, and how it is checked: a section of the configuration."""

from pydantic import Field

from wildpaper.config_section import Section


class ArchiveConfig(Section):
    """What `snakemake archive` packs, and how an archive is checked when a run starts from it."""

    texts: bool = True
    """Pack messages, the release and the token ids of training data. A run that restores an archive without them makes them from the raw data, which it then needs; labels, models and scores are restored all the same. Licences of data sets on the hub may forbid to pass their texts on: set this to false before you publish an archive of them."""  # noqa: E501
    models: bool = True
    """Pack the weights of trained models. A run that restores an archive without them can make all tables and figures, but nothing new with the models."""  # noqa: E501
    check_seconds: float = Field(default=120.0, ge=0)
    """Of an archive that a run starts from, results are drawn at random and computed anew, until those drawn took this many seconds when they were made; a difference stops the run. 0: none."""  # noqa: E501
