"""What is recorded while a model trains: the loss of each step, held-out loss at a few."""

from itertools import accumulate
from typing import Any

import transformers

from wildpaper.progress import Progress
from wildpaper.train.checkpoints import Checkpoints
from wildpaper.train.examples import Examples
from wildpaper.train.launch import is_first
from wildpaper.train.loss import mean_loss
from wildpaper.train.settings import HeldOutSettings


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
    checkpoints : Checkpoints
        Are told when a state is complete.
    """

    def __init__(
        self,
        settings: HeldOutSettings,
        examples: Examples,
        max_tokens: int,
        tokens_by_step: list[int],
        progress: Progress,
        checkpoints: Checkpoints,
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
        self.checkpoints = checkpoints
        self.trainer: Any = None
        self._learning_rate = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Take the held-out loss of the untrained model."""
        if not self.training:
            self._check_held_out(0)

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
                "loss_nats": self.trainer.step_loss(),
                "learning_rate": self._learning_rate,
            }
        )
        self._check_held_out(step)
        self.progress.advance(self.tokens_by_step[step - 1])

    def on_save(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Mark the state as complete: all its files are written, by all processes."""
        self.trainer.accelerator.wait_for_everyone()
        if is_first():
            self.checkpoints.complete(int(state.global_step), self.recorded())

    def resume(self, recorded: dict[str, Any]) -> int:
        """Take up what was recorded before; return the step that it reaches to."""
        self.training, self.held_out = recorded["training"], recorded["held_out"]
        step = len(self.training)
        self.progress.resume_from(self.seen[step])
        return step

    def _check_held_out(self, step: int) -> None:
        if step in self.points and len(self.rows):
            model = self.trainer.model_wrapped
            loss = mean_loss(model, self.examples, self.rows, self.max_tokens)
            self.held_out.append({"step": step, "n_tokens": self.seen[step], "loss_nats": loss})

    def recorded(self) -> dict[str, Any]:
        """Return what was recorded, as plain values."""
        return {"training": self.training, "held_out": self.held_out}
