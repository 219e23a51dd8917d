"""Configuration of the evaluation."""

from pydantic import Field

from wildpaper.config_section import DataPath, Section


class EvaluateConfig(Section):
    """MT-bench."""

    questions: DataPath = Field(default="own")
    """`own`: a short set of this project's, in `data/mtbench/`. `mtbench`: the 80 questions of MT-bench, which `make mtbench` fetches. Or a file in FastChat's format (`question.jsonl`)."""  # noqa: E501
