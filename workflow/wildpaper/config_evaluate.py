"""Configuration of the evaluation."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from wildpaper.config_section import DataPath, Section

ModelName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$")]
"""Of a model, as it stands in file names."""


class AnsweringModel(Section):
    """A model beside those that the run trains: one of `model`, `endpoint`, `answers`, or none where stored judgments name it."""  # noqa: E501

    title: str = ""
    """Its name in tables and figures."""
    model: DataPath | None = None
    """A chat model in Hugging Face's format: a folder, or a repository of the hub. It answers on this machine, through its own chat template."""  # noqa: E501
    revision: str | None = None
    """Commit of the repository."""
    endpoint: str | None = None
    """An interface that speaks the protocol of OpenAI's chat completions (vLLM and the like): the address up to and with `/v1`."""  # noqa: E501
    served: str = ""
    """Name of the model there."""
    answers: DataPath | None = None
    """A file of stored answers in FastChat's format."""
    published_as: str = ""
    """Its row in Tables 9 and 10 (`wildllama_7b`, `vicuna_7b`, `llama2_chat_7b`, `gpt35`, `gpt4`), if it stands for one of them."""  # noqa: E501
    differs: str = ""
    """What is known of how it differs from the paper's: the reason beside a value that deviates."""

    @model_validator(mode="after")
    def _one_source(self) -> "AnsweringModel":
        given = [n for n in ("model", "endpoint", "answers") if getattr(self, n) is not None]
        if len(given) > 1:
            raise ValueError(f"give one of {' and '.join(given)}, not both")
        if self.endpoint and not self.served:
            raise ValueError("endpoint needs served, the name of the model there")
        return self


class AnswerConfig(Section):
    """How models answer."""

    max_new_tokens: int = Field(default=1024, ge=1)
    """Tokens of an answer, at most; FastChat's default."""
    batch: int = Field(default=16, ge=1)
    """Questions that are answered together on this machine."""
    n_threads: int = Field(default=1, ge=1)
    """Cores, on a CPU; texts at temperature 0 may depend on it in rare near-ties."""
    concurrency: int = Field(default=8, ge=1)
    """Requests under way at a time, where a model is served elsewhere."""
    timeout_s: float = Field(default=300.0, gt=0)
    """Seconds to wait for an answer from there."""
    attempts: int = Field(default=8, ge=1)
    """Times that a request is sent."""
    key_variable: str = "OPENAI_API_KEY"
    """The environment variable with the key; no key stands in a configuration."""


class JudgeConfig(Section):
    """Who judges the answers."""

    kind: Literal["none", "likelihood", "replay", "ask"] = "likelihood"
    """`likelihood`: a stand-in that needs nothing and measures no quality. `replay`: stored judgments in FastChat's format. `ask`: a judge model behind an interface; texts leave the machine, and it costs money. `none`: no answers, no judgments."""  # noqa: E501
    judgments: list[DataPath] = Field(default=[])
    """For `replay`: the files."""
    names: dict[str, ModelName] = Field(default={})
    """For `replay`: {name of a model in the files: its name here}."""
    pairs: list[tuple[ModelName, ModelName]] | None = None
    """Pairs to compare; default: the model under study with each other, then these with one another; for `replay`: none."""  # noqa: E501
    prompts: DataPath = "own"
    """`own`: this project's wording. `mtbench`: that of MT-bench, which `make mtbench` fetches. Or a file in FastChat's format (`judge_prompts.jsonl`)."""  # noqa: E501
    references: DataPath | None = None
    """Right answers in FastChat's format; default: those that stand with the questions; `mtbench`: those of GPT-4 that `make mtbench` fetches."""  # noqa: E501
    endpoint: str = "https://api.openai.com/v1"
    """For `ask`: the address up to and with `/v1`."""
    model: str = "gpt-4"
    """For `ask`: the judge."""
    key_variable: str = "OPENAI_API_KEY"
    """For `ask`: the environment variable with the key."""
    log: DataPath | None = None
    """For `ask`: folder of the log of requests and verdicts, from which nothing is asked twice; default: `data/private/<preset>/judge`."""  # noqa: E501
    concurrency: int = Field(default=8, ge=1)
    """For `ask`: requests under way at a time."""
    requests_per_minute: int = Field(default=500, ge=1)
    """For `ask`: rate limit of the account."""
    tokens_per_minute: int = Field(default=0, ge=0)
    """For `ask`: token limit of the account; 0: none."""
    timeout_s: float = Field(default=120.0, gt=0)
    """For `ask`: seconds to wait for a verdict."""
    attempts: int = Field(default=8, ge=1)
    """For `ask`: times that a request is sent."""
    max_tokens: int = Field(default=2048, ge=16)
    """For `ask`: tokens of a verdict, at most; as in FastChat."""
    usd_per_million_in: float = Field(default=30.0, ge=0)
    """For `ask`: price of a million tokens of requests; the default was GPT-4's."""
    usd_per_million_out: float = Field(default=60.0, ge=0)
    """For `ask`: price of a million tokens of verdicts."""
    most_requests: int = Field(default=5_000, ge=0)
    """For `ask`: hard limit; a run that would send more stops before the first. With 0 the estimate is given and nothing asked."""  # noqa: E501
    most_usd: float = Field(default=0.0, ge=0)
    """For `ask`: hard limit of the cost, before and during."""
    robustness_questions: int = Field(default=8, ge=0)
    """Questions whose first answers are judged again unchanged, lengthened, with a verdict and with an instruction in them; 0: none."""  # noqa: E501

    @model_validator(mode="after")
    def _consistent(self) -> "JudgeConfig":
        if self.kind == "replay" and not self.judgments:
            raise ValueError("kind 'replay' needs judgments, the files to replay")
        if any(first == second for first, second in self.pairs or []):
            raise ValueError("pairs: a model is not compared with itself")
        return self


class EvaluateConfig(Section):
    """MT-bench."""

    questions: DataPath = Field(default="own")
    """`own`: a short set of this project's, in `data/mtbench/`. `mtbench`: the 80 questions of MT-bench, which `make mtbench` fetches. Or a file in FastChat's format (`question.jsonl`)."""  # noqa: E501
    answers: AnswerConfig = AnswerConfig()
    """Answers."""
    models: dict[ModelName, AnsweringModel] = Field(default={})
    """Models beside those that the run trains; a model that it trains may get a title or a row of the published tables here."""  # noqa: E501
    judge: JudgeConfig = JudgeConfig()
    """Judgments."""
