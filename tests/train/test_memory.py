"""Sizes and memory, against transformers' own model: parameters exactly, activations nearly."""

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from wildpaper.train.attention import use_packed_attention
from wildpaper.train.lora import with_adapter
from wildpaper.train.loss import return_losses
from wildpaper.train.memory import layer_activations, size_of
from wildpaper.train.settings import AdapterSettings, Architecture

LLAMA_2_7B = Architecture(hidden_size=4096, intermediate_size=11008, n_layers=32, n_heads=32,
                          n_vocabulary=32000, tied_embeddings=False)  # fmt: skip
SMOLLM2 = Architecture(hidden_size=576, intermediate_size=1536, n_layers=30, n_heads=9,
                       n_key_value_heads=3, n_vocabulary=49152)  # fmt: skip
TINY = Architecture(hidden_size=64, intermediate_size=160, n_layers=2, n_heads=4, n_vocabulary=100)
GROUPED = TINY.model_copy(update={"n_key_value_heads": 1, "hidden_size": 96})


def model_of(shape, device="cpu"):
    config = LlamaConfig(
        vocab_size=shape.n_vocabulary, hidden_size=shape.hidden_size,
        intermediate_size=shape.intermediate_size, num_hidden_layers=shape.n_layers,
        num_attention_heads=shape.n_heads,
        num_key_value_heads=shape.n_key_value_heads or shape.n_heads,
        tie_word_embeddings=shape.tied_embeddings,
    )  # fmt: skip
    with torch.device(device):
        return LlamaForCausalLM(config)


def counted(parameters):
    return sum(part.numel() for part in parameters)


def test_llama_2_7b_has_the_parameters_that_meta_states():
    assert size_of(LLAMA_2_7B).n_parameters == 6_738_415_616


@pytest.mark.parametrize("shape", [LLAMA_2_7B, SMOLLM2, TINY, GROUPED])
def test_parameters_are_those_of_transformers(shape):
    assert size_of(shape).n_parameters == counted(model_of(shape, "meta").parameters())


@pytest.mark.parametrize("shape", [SMOLLM2, TINY, GROUPED])
@pytest.mark.parametrize("targets", [("q_proj", "v_proj"), AdapterSettings().targets])
def test_an_adapter_has_the_parameters_of_peft(shape, targets):
    settings = AdapterSettings(rank=4, targets=targets)
    model = with_adapter(model_of(shape, "meta"), settings)
    trained = counted(part for part in model.parameters() if part.requires_grad)
    assert size_of(shape, settings).n_trained == trained


def kept_bytes(shape, half, n_tokens):
    """Return what a forward pass keeps for the backward pass, without the weights themselves."""
    torch.manual_seed(0)
    model = model_of(shape).train()
    use_packed_attention(model)
    return_losses(model)
    own = {part.untyped_storage().data_ptr() for part in model.parameters()}
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage
        return tensor

    ids = torch.randint(0, shape.n_vocabulary, (1, n_tokens))
    places = torch.arange(n_tokens)[None]
    with (
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
        torch.autocast("cpu", torch.bfloat16, enabled=half),
    ):
        model(input_ids=ids, position_ids=places, labels=ids.clone(), borders=[0, n_tokens])
    return sum(storage.nbytes() for storage in kept.values())


@pytest.mark.parametrize("half", [True, False])
@pytest.mark.parametrize(
    "shape", [TINY, GROUPED, TINY.model_copy(update={"intermediate_size": 320})]
)
def test_activations_of_a_layer_are_what_autograd_keeps(shape, half):
    n_tokens = 512
    deeper = shape.model_copy(update={"n_layers": 3})
    found = kept_bytes(deeper, half, n_tokens) - kept_bytes(shape, half, n_tokens)
    if half:  # autocast's copies of the weights are planned apart
        found -= 2 * (size_of(shape).n_layer - 2 * shape.hidden_size)
    assert layer_activations(shape, half) * n_tokens == pytest.approx(found, rel=0.02)
