"""A base is loaded whole and from safetensors, or refused."""

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM

from wildpaper.errors import WildpaperError
from wildpaper.train.model import load_model


def as_pickle(base):
    torch.save(load_file(base / "model.safetensors"), base / "pytorch_model.bin")
    (base / "model.safetensors").unlink()


def cut_off(base):
    whole = (base / "model.safetensors").read_bytes()
    (base / "model.safetensors").write_bytes(whole[: len(whole) // 2])


def without_a_part(base):
    weights = load_file(base / "model.safetensors")
    del weights["lm_head.weight"]
    save_file(weights, base / "model.safetensors", {"format": "pt"})


def of_another_shape(base):
    weights = load_file(base / "model.safetensors")
    weights["lm_head.weight"] = weights["lm_head.weight"][:100].clone()
    save_file(weights, base / "model.safetensors", {"format": "pt"})


@pytest.mark.parametrize("spoil", [as_pickle, cut_off, without_a_part, of_another_shape])
def test_a_base_without_all_its_weights_in_safetensors_is_refused(tmp_path, spoil):
    LlamaForCausalLM(LlamaConfig(vocab_size=500, hidden_size=16, intermediate_size=16,
                                 num_hidden_layers=1, num_attention_heads=2)
                     ).save_pretrained(tmp_path)  # fmt: skip
    load_model(str(tmp_path))
    spoil(tmp_path)
    with pytest.raises(WildpaperError, match="Cannot load the model"):
        load_model(str(tmp_path))
