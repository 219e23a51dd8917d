"""How large a model is, and what training it takes of memory: counted, nothing is loaded."""

from dataclasses import dataclass

from wildpaper.train.recipe import Recipe
from wildpaper.train.settings import AdapterSettings, Architecture

FLOAT32, BF16 = 4, 2
_ADAM_STATES = 2
_LLAMA_2_VOCABULARY = 32_000
_CPU_CHUNK = 64
"""Supervised tokens whose logits exist at a time on a CPU: `wildpaper.train.loss`."""


@dataclass(frozen=True, slots=True)
class Size:
    """A Llama model.

    Attributes
    ----------
    shape : Architecture
    n_vocabulary : int
    n_layer, n_embeddings : int
        Parameters of a layer; of the input embeddings.
    n_parameters, n_trained : int
        All of them; with an adapter only its own are trained.
    """

    shape: Architecture
    n_vocabulary: int
    n_layer: int
    n_embeddings: int
    n_parameters: int
    n_trained: int


def size_of(shape: Architecture, adapter: AdapterSettings | None = None) -> Size:
    """Return the parameters of a model; `shape` without a vocabulary gets that of Llama-2."""
    h, kv = shape.hidden_size, _key_value_size(shape)
    n_vocabulary = shape.n_vocabulary or _LLAMA_2_VOCABULARY
    layer = 2 * h * h + 2 * h * kv + 3 * h * shape.intermediate_size + 2 * h
    embeddings = n_vocabulary * h
    n = shape.n_layers * layer + embeddings * (1 if shape.tied_embeddings else 2) + h
    trained = _adapter_parameters(shape, adapter) if adapter else n
    return Size(shape, n_vocabulary, layer, embeddings, n, trained)


def _key_value_size(shape: Architecture) -> int:
    return shape.hidden_size // shape.n_heads * (shape.n_key_value_heads or shape.n_heads)


def _adapter_parameters(shape: Architecture, adapter: AdapterSettings) -> int:
    h, wide, kv = shape.hidden_size, shape.intermediate_size, _key_value_size(shape)
    sides = {
        **{"q_proj": h + h, "k_proj": h + kv, "v_proj": h + kv, "o_proj": h + h},
        **{"gate_proj": h + wide, "up_proj": h + wide, "down_proj": h + wide},
    }
    return shape.n_layers * adapter.rank * sum(sides.get(name, 0) for name in adapter.targets)


def device_memory(
    size: Size, recipe: Recipe, device: str, micro_batch_tokens: int
) -> dict[str, int]:
    """Return {part: bytes} of the memory that each device needs.

    Parameters
    ----------
    size : Size
    recipe : Recipe
        Its hardware section, and whether it has an adapter.
    device : str
        ``cpu`` or ``cuda``.
    micro_batch_tokens : int
        Tokens on a device at a time.

    Notes
    -----
    Mixed precision as the Trainer does it: weights, gradients and both states of Adam in 32
    bits, and copies of the weights in 16 bits for the forward pass. Autocast keeps the copies
    of all layers until that pass ends; fully sharded, a device holds its share, whole copies
    of two layers and of the embeddings, and the gradients of one of them. Logits: in 16 bits,
    then twice in 32, of all tokens at once on a GPU, in chunks on a CPU.
    """
    hardware = recipe.hardware
    on_gpu, half = device == "cuda", hardware.precision == "bf16"
    shards = hardware.n_gpus if on_gpu and hardware.sharding == "fsdp-full" else 1
    n_logits = (micro_batch_tokens if on_gpu else _CPU_CHUNK) * size.n_vocabulary
    return {
        "weights": FLOAT32 * size.n_parameters // shards,
        "gradients": FLOAT32 * size.n_trained // shards,
        "optimiser states": _ADAM_STATES * FLOAT32 * size.n_trained // shards,
        "copies of weights": _copies(size, recipe, half, shards),
        "activations": micro_batch_tokens
        * _activations(size.shape, half, hardware.gradient_checkpointing),
        "logits": n_logits * (BF16 * half + 2 * FLOAT32),
    }


def _copies(size: Size, recipe: Recipe, half: bool, shards: int) -> int:
    n_layers = size.shape.n_layers
    if shards > 1:
        one = size.n_layer + 2 * size.n_embeddings
        return (BF16 if half else FLOAT32) * (one + size.n_layer) + FLOAT32 * one
    if not half:
        return 0
    if recipe.adapter and recipe.hardware.gradient_checkpointing:
        n_layers = 1  # autocast keeps no copies of frozen weights
    return BF16 * (n_layers * size.n_layer + size.n_embeddings)


def _activations(shape: Architecture, half: bool, recomputed: bool) -> int:
    """Return the bytes of activations that a token needs, all layers.

    What a layer keeps for its backward pass was counted in transformers' Llama with autocast
    (`tests/train/test_memory.py` counts it again). With recomputation only the input of each
    layer is kept, in 32 bits, and one layer's inner ones at a time with as many gradients.
    """
    inner = layer_activations(shape, half)
    if recomputed:
        return FLOAT32 * shape.hidden_size * shape.n_layers + 2 * inner
    return inner * (shape.n_layers + 1)


def layer_activations(shape: Architecture, half: bool) -> int:
    """Return the bytes that a layer keeps of each token for its backward pass."""
    h, kv, wide = shape.hidden_size, _key_value_size(shape), shape.intermediate_size
    per_head = FLOAT32 * shape.n_heads + 2 * FLOAT32
    if half:
        return 32 * h + 4 * kv + 8 * wide + per_head
    return 36 * h + 8 * kv + 16 * wide + per_head


def host_memory(size: Size, n_processes: int) -> int:
    """Return the bytes of the machine's own memory that a training on GPUs needs.

    Each process loads all weights in 32 bits before its GPU takes them; at the end the first
    one gathers them, and a model to put them into.
    """
    return FLOAT32 * size.n_parameters * max(n_processes, 2 if n_processes > 1 else 1)


def state_bytes(size: Size) -> int:
    """Return the bytes of one kept state: weights that are trained, and both states of Adam."""
    return FLOAT32 * (1 + _ADAM_STATES) * size.n_trained


def weight_bytes(size: Size) -> int:
    """Return the bytes of a finished model, in 32 bits."""
    return FLOAT32 * size.n_parameters
