"""What the tests of resuming call in a process that is killed."""

import os
import signal
import sys

import transformers

from wildpaper.train import worker


def train(call, log, die_in_save=0):
    """Train, with logs to a file; perhaps be killed while the state of a step is written."""
    real = transformers.Trainer._save_optimizer_and_scheduler

    def save(self, folder):
        if self.state.global_step == die_in_save:  # the weights are written
            os.kill(os.getpid(), signal.SIGKILL)
        real(self, folder)

    transformers.Trainer._save_optimizer_and_scheduler = save
    with log.open("a", encoding="utf-8", buffering=1) as sys.stderr:
        sys.exit(worker.main(call))
