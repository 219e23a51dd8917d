"""A small Llama in GGUF, written as llama.cpp does it, whose weights are known."""

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from gguf.quants import dequantize, quantize
from tokenizers import pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
ALPHABET = sorted(pre_tokenizers.ByteLevel.alphabet())
MERGES = ["Ġ Ġ", "a b", "Ġ ab"]  # two spaces are one piece, as in SmolLM2
PIECES = [*SPECIAL, *ALPHABET, *("".join(pair.split()) for pair in MERGES)]
Q4 = gguf.GGMLQuantizationType.Q4_1
_LAYER = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}  # fmt: skip


def planted_model() -> Any:
    """Return a model whose attention heads, their groups and rotation all matter."""
    torch.manual_seed(5)
    shape = LlamaConfig(
        vocab_size=len(PIECES), hidden_size=64, intermediate_size=96, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128,
        rope_parameters={"rope_type": "default", "rope_theta": 5000.0}, rms_norm_eps=1e-5,
        tie_word_embeddings=True, initializer_range=0.3,
    )  # fmt: skip
    model = LlamaForCausalLM(shape).eval()
    for name, weights in model.named_parameters():
        if "norm" in name:
            weights.data.uniform_(0.5, 1.5)
    return model


def write_gguf(path: Path, model: Any, kind: str = "smollm") -> Any:
    """Write a model with matrices in 4 bits; return it as these bits leave it, in bf16."""
    writer = gguf.GGUFWriter(path, "llama")
    shape = model.config
    writer.add_block_count(shape.num_hidden_layers)
    writer.add_context_length(shape.max_position_embeddings)
    writer.add_embedding_length(shape.hidden_size)
    writer.add_feed_forward_length(shape.intermediate_size)
    writer.add_head_count(shape.num_attention_heads)
    writer.add_head_count_kv(shape.num_key_value_heads)
    writer.add_layer_norm_rms_eps(shape.rms_norm_eps)
    writer.add_rope_freq_base(shape.rope_parameters["rope_theta"])
    writer.add_rope_dimension_count(shape.hidden_size // shape.num_attention_heads)
    writer.add_vocab_size(shape.vocab_size)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(kind)
    writer.add_token_list(PIECES)
    writer.add_token_types([3] * len(SPECIAL) + [1] * (len(PIECES) - len(SPECIAL)))
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    for name, weights in model.named_parameters():
        _add(writer, name, weights, shape)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    for weights in model.parameters():  # not the whole model: its frequencies are no weights
        weights.data = weights.data.to(torch.bfloat16).float()
    return model


def _add(writer: gguf.GGUFWriter, name: str, weights: Any, shape: LlamaConfig) -> None:
    """Write one tensor, and leave in the model what was written."""
    values = weights.detach().numpy()
    heads = {"q_proj": shape.num_attention_heads, "k_proj": shape.num_key_value_heads}
    n_heads = next((n for part, n in heads.items() if part in name), 0)
    written = _interleaved(values, n_heads) if n_heads else values
    if written.ndim == 1:
        writer.add_tensor(_gguf_name(name), written)
        return
    packed = quantize(written, Q4)
    writer.add_tensor(_gguf_name(name), packed, raw_dtype=Q4)
    left = dequantize(packed, Q4)
    left = _halves(left, n_heads) if n_heads else left
    weights.data.copy_(torch.from_numpy(left))


def _gguf_name(name: str) -> str:
    outer = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight":
             "output_norm.weight"}  # fmt: skip
    if name in outer:
        return outer[name]
    _, _, number, *part, _ = name.split(".")
    return f"blk.{number}.{_LAYER['.'.join(part)]}.weight"


def _interleaved(values: Any, n_heads: int) -> Any:
    """Return rows in llama.cpp's order: of each head, a row of one half, one of the other."""
    by_half = values.reshape(n_heads, 2, -1, values.shape[1])
    return np.ascontiguousarray(by_half.swapaxes(1, 2).reshape(values.shape))


def _halves(values: Any, n_heads: int) -> Any:
    """Return rows in the order of transformers; undoes `_interleaved`."""
    pairs = values.reshape(n_heads, -1, 2, values.shape[1])
    return np.ascontiguousarray(pairs.swapaxes(1, 2).reshape(values.shape))
