"""Models for `finetune.py`: Llama-shaped, random weights, made on the device; their operations."""

import time
from dataclasses import dataclass
from typing import Any, Literal

import torch
import transformers

from wildpaper.train.attention import use_packed_attention
from wildpaper.train.lora import with_adapter
from wildpaper.train.operations import DENSE, FROZEN
from wildpaper.train.settings import AdapterSettings

Number = Literal["float32", "bf16"]
DTYPES = {"float32": torch.float32, "bf16": torch.bfloat16}
_LEARNING_RATE = 2e-5


@dataclass(frozen=True, slots=True)
class Shape:
    """A Llama model."""

    title: str
    hidden: int
    intermediate: int
    n_layers: int
    n_heads: int
    n_vocabulary: int

    @property
    def layer_parameters(self) -> int:
        """Weights of the matrices of all layers."""
        return self.n_layers * (4 * self.hidden**2 + 3 * self.hidden * self.intermediate)

    @property
    def head_parameters(self) -> int:
        """Weights of the matrix that gives logits."""
        return self.n_vocabulary * self.hidden


LLAMA_2_7B = Shape("Llama-2 7B", 4_096, 11_008, 32, 32, 32_000)
SMALL = Shape("small Llama", 1_024, 2_752, 1, 8, 256)
"""The head has 2 % of the weights that tokens are multiplied with, as in Llama-2 7B; one wide
layer, since the part that attention has in the work falls with the width."""
TINY = Shape("tiny Llama", 64, 172, 2, 2, 128)


@dataclass(frozen=True, slots=True)
class Setup:
    """What is trained of a model, and in which numbers.

    Attributes
    ----------
    title : str
    weights : {"float32", "bf16"}
        As they are kept; those of an adapter are always in float32.
    products : {"float32", "bf16"}
        As matrices are multiplied.
    lora : bool
    recomputing : bool
        Whether activations are computed again in the backward pass.
    """

    title: str
    weights: Number
    products: Number
    lora: bool
    recomputing: bool


ON_CPU: dict[str, list[Setup]] = {
    "full": [Setup("all weights", "float32", "float32", False, False)],
    "lora": [Setup("LoRA", "float32", "float32", True, False)],
}
ON_GPU: dict[str, list[Setup]] = {
    "full": [
        Setup("all weights, kept in float32", "float32", "bf16", False, True),
        Setup("all weights, kept in bf16 (no room for float32)", "bf16", "bf16", False, True),
    ],
    "lora": [
        Setup("LoRA, frozen weights in float32", "float32", "bf16", True, False),
        Setup("LoRA, frozen weights in float32, recomputing", "float32", "bf16", True, True),
    ],
    "lora-bf16": [
        Setup("LoRA, frozen weights in bf16", "bf16", "bf16", True, False),
        Setup("LoRA, frozen weights in bf16, recomputing", "bf16", "bf16", True, True),
    ],
}
"""{name: the setup, and what is done instead where memory runs out}."""


@dataclass(frozen=True, slots=True)
class Trainee:
    """A model, and all that a step of training needs beside a batch."""

    shape: Shape
    setup: Setup
    device: str
    net: Any
    weights: list[torch.nn.Parameter]
    optimiser: Any


def new_trainee(shape: Shape, setup: Setup, device: str, seed: int) -> Trainee:
    """Make a model on the device, and its optimiser."""
    transformers.set_seed(seed)
    config = transformers.LlamaConfig(
        vocab_size=shape.n_vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=shape.n_layers,
        num_attention_heads=shape.n_heads,
        max_position_embeddings=4_096,
        tie_word_embeddings=False,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    before = torch.get_default_dtype()
    torch.set_default_dtype(DTYPES[setup.weights])
    try:
        with torch.device(device):
            net = transformers.LlamaForCausalLM(config)
    finally:
        torch.set_default_dtype(before)
    use_packed_attention(net)
    if setup.lora:
        net = with_adapter(net, AdapterSettings())
    if setup.recomputing:
        net.gradient_checkpointing_enable({"use_reentrant": False})
    net.train()
    weights = [part for part in net.parameters() if part.requires_grad]
    optimiser = torch.optim.AdamW(
        weights, lr=_LEARNING_RATE, weight_decay=0.0, fused=device == "cuda" or None
    )
    return Trainee(shape, setup, device, net, weights, optimiser)


def operations(
    shape: Shape, lora: bool, lengths: list[int], masked: bool = False
) -> tuple[int, int]:
    """Return the operations of a step on examples: those with weights, and those of attention.

    Parameters
    ----------
    shape : Shape
    lora : bool
        Frozen weights have no gradients: four operations a weight and token instead of six.
        What the adapter itself takes is left out.
    lengths : list of int
        Positions of each example, padding included if it shall count.
    masked : bool
        Whether attention is computed between all positions and then masked, as kernels do
        that are given a mask for padding; else between a position and those before it.

    Notes
    -----
    The embeddings that tokens come in by are looked up, and recomputation is no use: neither
    counts. Attention: products for scores and for values, twice as many in the backward pass.
    """
    per_token = (FROZEN if lora else DENSE) * (shape.layer_parameters + shape.head_parameters)
    pairs = sum(n * n if masked else n * (n + 1) // 2 for n in lengths)
    return per_token * sum(lengths), 3 * 4 * shape.hidden * shape.n_layers * pairs


def measured_peak(device: str, number: Number, size: int, repeats: int = 10) -> float:
    """Return the most operations a second that a product of square matrices reached."""
    left, right = (torch.randn(size, size, device=device).to(DTYPES[number]) for _ in range(2))
    best = 0.0
    for _ in range(repeats):
        start = clock(device)
        for _ in range(3):
            left @ right
        best = max(best, 3 * 2 * size**3 / (clock(device) - start))
    return best


def clock(device: str) -> float:
    """Return seconds: by the clock with a GPU, else of CPU time, which others disturb less."""
    if device == "cuda":
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()
