"""LoRA: small matrices beside frozen weights are trained, and merged in at the end."""

from typing import Any

from peft import LoraConfig, PeftModel, get_peft_model

from wildpaper.errors import WildpaperError
from wildpaper.train.settings import AdapterSettings


def with_adapter(model: Any, settings: AdapterSettings) -> Any:
    """Return a model whose own weights are frozen and that has an adapter to train.

    Raises
    ------
    WildpaperError
        If the model has none of the layers that shall have one.
    """
    about = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        target_modules=list(settings.targets),
        lora_dropout=0.0,
        bias="none",
        task_type="CAUSAL_LM",
    )
    try:
        return get_peft_model(model, about)
    except ValueError as error:
        raise WildpaperError(
            f"The model has no layers for the adapter: {str(error).splitlines()[0]}",
            where="adapter.targets in the recipe",
            hint="Name linear layers of the model, for Llama q_proj, v_proj and the like.",
        ) from None


def causal_model(model: Any) -> Any:
    """Return the model of transformers within an adapter, or the model itself."""
    return model.get_base_model() if isinstance(model, PeftModel) else model


def merged(model: Any) -> Any:
    """Return a plain model in which the adapter is merged into the weights."""
    return model.merge_and_unload() if isinstance(model, PeftModel) else model
