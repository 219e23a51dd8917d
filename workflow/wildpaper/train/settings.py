"""The sections of a recipe (``data/recipes/*.yaml``), each with what its keys mean."""

import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$")]


class Section(BaseModel):
    """Keys that nobody knows are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Architecture(Section):
    """A Llama model: made from random weights, or what a pretrained base is."""

    hidden_size: int = Field(ge=8)
    """Width of the hidden states."""
    intermediate_size: int = Field(ge=8)
    """Width of the feed-forward layers."""
    n_layers: int = Field(ge=1)
    """Decoder layers."""
    n_heads: int = Field(ge=1)
    """Attention heads; they divide the hidden size."""
    n_key_value_heads: int | None = Field(default=None, ge=1)
    """Heads of keys and values; as many as attention heads if not stated."""
    n_vocabulary: int | None = Field(default=None, ge=1)
    """Tokens of a pretrained base; a model from scratch has those of its tokenizer."""
    tied_embeddings: bool = True
    """Whether input and output share their embeddings."""

    @model_validator(mode="after")
    def _divides(self) -> "Architecture":
        if self.hidden_size % (2 * self.n_heads):
            raise ValueError("hidden_size must be a multiple of twice n_heads")
        return self


class TrainedModel(Section):
    """One model of the recipe; all of them differ in their data only."""

    title: str
    """Its name in tables and figures."""
    dataset: Name
    """The data set that it is trained on."""


class DataSettings(Section):
    """How conversations become examples."""

    max_length: int = Field(ge=64)
    """Tokens in an example; longer conversations are split at exchange borders."""
    cutoff: datetime.date | None = None
    """Last day (UTC) of the conversations used; those without a time are kept."""
    template: Literal["vicuna_v1.1", "chatml"] = "vicuna_v1.1"
    """How a conversation is written out: as for Vicuna, or between `<|im_start|>` and `<|im_end|>`."""  # noqa: E501
    tokenizer: Literal["llama-2", "base"] = "llama-2"
    """That of Llama-2, or the `tokenizer.json` beside the base."""
    languages: Literal["all"] | tuple[str, ...] = "all"
    """Languages of conversations, as recorded. The paper does not say that it chose any."""
    toxic: Literal["keep", "drop"] = "keep"
    """Conversations recorded as toxic. The paper does not say that it left any out."""
    held_out_percent: float = Field(default=10.0, ge=0, lt=100)
    """Share of distinct first prompts whose conversations are never trained on."""


class OptimiserSettings(Section):
    """AdamW; give one of `epochs`, `max_steps` and `max_tokens`."""

    learning_rate: float = Field(gt=0)
    """Highest learning rate."""
    batch: int = Field(ge=1)
    """Examples in a step."""
    micro_batch_tokens: int = Field(ge=64)
    """Tokens on one device at a time, at most. The examples of a step are spread evenly over as many micro-batches as that takes, without padding; it changes memory and speed, not the result. Halved when a GPU runs out of memory."""  # noqa: E501
    epochs: int | None = Field(default=None, ge=1)
    """Passes over the examples."""
    max_steps: int | None = Field(default=None, ge=1)
    """Steps, over as many passes as that takes."""
    max_tokens: int | None = Field(default=None, ge=1)
    """Tokens, prompts included, over as many passes as that takes; ends with a whole batch."""
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    """Course of the learning rate after the warm-up."""
    warmup: float = Field(default=0.0, ge=0, lt=1)
    """Share of the steps in which the learning rate rises from zero."""
    weight_decay: float = Field(default=0.0, ge=0)
    """Weight decay."""
    max_grad_norm: float = Field(default=1.0, gt=0)
    """Gradients are clipped to this norm."""

    @model_validator(mode="after")
    def _one_length(self) -> "OptimiserSettings":
        if sum(x is not None for x in (self.epochs, self.max_steps, self.max_tokens)) != 1:
            raise ValueError("give exactly one of epochs, max_steps and max_tokens")
        return self


class AdapterSettings(Section):
    """LoRA: low-rank matrices beside frozen weights are trained, and merged in at the end."""

    rank: int = Field(default=16, ge=1)
    """Rank of the matrices."""
    alpha: int = Field(default=32, ge=1)
    """Their product is scaled by alpha / rank."""
    targets: tuple[str, ...] = (
        *("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"),
    )
    """Linear layers that get them."""


class CoverageSettings(Section):
    """Figure 3: a model on the first prompts of each data set, evaluated on those of all."""

    optimiser: OptimiserSettings
    """The same for each data set; `max_tokens` gives all the same budget."""
    max_length: int = Field(default=512, ge=16)
    """Tokens of a prompt; longer ones are cut off and counted."""
    held_out_percent: float = Field(default=30.0, gt=0, lt=100)
    """Share of distinct prompts that models are evaluated on (paper: 30)."""
    first_day: datetime.date | None = datetime.date(2023, 4, 10)
    """First day (UTC) of WildChat's conversations in it; prompts without a time are kept."""
    last_day: datetime.date | None = datetime.date(2023, 9, 22)
    """Last day (UTC)."""
    max_prompts: int | None = Field(default=None, ge=10)
    """Prompts of each data set, drawn at random; all if not stated."""
    head_tokens: int = Field(default=16, ge=2)
    """Where lengths are matched: only prompts of at least so many tokens, and of these only so many."""  # noqa: E501


class QualityRule(Section):
    """What makes a conversation better to learn from, in the comparison of subsets."""

    min_reply_tokens: int = Field(default=16, ge=0)
    """Supervised tokens of an example, at least."""
    min_distinct_share: float = Field(default=0.3, ge=0, le=1)
    """Distinct tokens as a share of all in stretches of 64 reply tokens, on average, at least: repetition teaches little."""  # noqa: E501
    distinct_prompts: bool = True
    """Keep one conversation of those that begin with the same prompt."""


class DataSizeSettings(Section):
    """How much data: the same model on growing subsets, at random and by a rule."""

    optimiser: OptimiserSettings
    """Of each; `epochs` passes over a subset."""
    shares: tuple[Annotated[float, Field(gt=0, le=1)], ...] = (0.125, 0.25, 0.5, 1.0)
    """Sizes of the random subsets, as shares of all training tokens."""
    max_tokens: int | None = Field(default=None, ge=1)
    """Tokens that the share 1 stands for; all if not stated."""
    max_held_out: int | None = Field(default=None, ge=2)
    """Held-out conversations that losses are taken on, at most; drawn. All if not stated."""
    rule: QualityRule = QualityRule()
    """The subsets by rule have the sizes of the random ones, as far as they reach."""


class HeldOutSettings(Section):
    """Loss on held-out examples in the course of the training."""

    points: int = Field(default=4, ge=1)
    """How often after the start."""
    max_examples: int = Field(default=64, ge=1)
    """On how many examples, evenly spaced among the held-out ones."""


class HardwareSettings(Section):
    """What the training runs on."""

    device: Literal["cpu", "cuda", "auto"] = "cpu"
    """`auto` is `cuda` where the machine has GPUs when the workflow is planned, else `cpu`."""
    n_threads: int = Field(default=1, ge=1)
    """Cores on a CPU. With one, the same weights come out each time."""
    precision: Literal["float32", "bf16"] = "float32"
    """Number format of the forward and backward pass."""
    n_gpus: int = Field(default=0, ge=0)
    """GPUs; more than one means sharding."""
    sharding: Literal["none", "fsdp-full"] = "none"
    """How parameters are spread over GPUs."""
    gradient_checkpointing: bool = False
    """Trade time for memory."""
    min_gpu_memory_gb: float = Field(default=0.0, ge=0)
    """Memory that each GPU must have."""
    min_disk_gb: float = Field(default=0.0, ge=0)
    """Disk that must be free for the results."""

    @model_validator(mode="after")
    def _consistent(self) -> "HardwareSettings":
        if self.device == "cpu" and self.n_gpus:
            raise ValueError("n_gpus needs device 'cuda' or 'auto'")
        if self.device != "cpu" and not self.n_gpus:
            raise ValueError("device 'cuda' and n_gpus go together")
        if (self.sharding != "none") != (self.n_gpus > 1):
            raise ValueError("sharding and several GPUs go together")
        return self
