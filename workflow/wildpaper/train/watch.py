"""What is recorded while a model trains: the loss of each step, held-out loss at a few."""

import logging
from itertools import accumulate
from typing import Any

import transformers

from wildpaper.progress import Progress
from wildpaper.train.examples import Examples
from wildpaper.train.loss import mean_loss
from wildpaper.train.settings import HeldOutSettings

_LOG = logging.getLogger("wildpaper")


class Watch(transformers.TrainerCallback):  # type: ignore[misc]  # transformers has no types
    """Record losses and log how far the training is.

    Parameters
    ----------
    settings : HeldOutSettings
    examples : Examples
        Held out; may be none, then no held-out loss is recorded.
    max_tokens : int
        Tokens at a time for the held-out loss.
    tokens_by_step : list of int
        Tokens of each step of the training.
    progress : Progress
        Counts tokens.
    """

    def __init__(
        self,
        settings: HeldOutSettings,
        examples: Examples,
        max_tokens: int,
        tokens_by_step: list[int],
        progress: Progress,
    ) -> None:
        n_steps = len(tokens_by_step)
        self.points = {round(i * n_steps / settings.points) for i in range(settings.points + 1)}
        n_rows = min(len(examples), settings.max_examples)
        self.rows = [i * len(examples) // n_rows for i in range(n_rows)]
        self.examples, self.max_tokens = examples, max_tokens
        self.tokens_by_step, self.progress = tokens_by_step, progress
        self.seen = [0, *accumulate(tokens_by_step)]
        self.training: list[dict[str, Any]] = []
        self.held_out: list[dict[str, Any]] = []
        self.trainer: Any = None
        self._learning_rate = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Take the held-out loss of the untrained model."""
        self._check_held_out(0, given["model"])

    def on_step_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Note the learning rate of the step."""
        self._learning_rate = float(given["lr_scheduler"].get_last_lr()[0])
        self.trainer.batch_loss = 0.0

    def on_step_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Record the step."""
        step = int(state.global_step)
        self.training.append(
            {
                "step": step,
                "n_tokens": self.seen[step],
                "loss_nats": self.trainer.batch_loss,
                "learning_rate": self._learning_rate,
            }
        )
        self._check_held_out(step, given["model"])
        self.progress.advance(self.tokens_by_step[step - 1])

    def _check_held_out(self, step: int, model: Any) -> None:
        if step in self.points and len(self.rows):
            loss = mean_loss(model, self.examples, self.rows, self.max_tokens)
            self.held_out.append({"step": step, "n_tokens": self.seen[step], "loss_nats": loss})

    def recorded(self) -> dict[str, Any]:
        """Return what was recorded, as plain values."""
        return {"training": self.training, "held_out": self.held_out}

    def log_summary(self, name: str, seconds: float) -> None:
        """Log how long it took; timings stand in the log only."""
        n_tokens = self.seen[-1]
        _LOG.info("%s: %d steps, %s tokens in %.1f s (%s tokens/s)", name, len(self.training),
                  f"{n_tokens:,}", seconds, f"{n_tokens / max(seconds, 1e-9):,.0f}")  # fmt: skip
