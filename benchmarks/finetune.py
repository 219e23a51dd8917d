"""Useful tokens a second of fine-tuning: ours beside padding to the maximum length.

    python benchmarks/finetune.py [--device cuda] [--lengths wildchat ...] [--write] [--check]

Useful tokens are those of conversations; padding does not count. All contenders take the same
steps with one Llama-shaped model of random weights: as many examples, of random tokens in
real lengths (`finetune_lengths.py`), the same tokens at a time at most, the same precision and
optimiser, in turn, several times:

- ours: examples end to end, attention inside each (`wildpaper.train`);
- padded to the maximum: FastChat's way, each example filled up on the right to 2,048 tokens,
  with an attention mask, and transformers' own loss over all positions;
- padded to the longest: the same, filled up to the longest example of a micro-batch only.

Printed are the token ceiling (padded tokens over useful ones: what a step would gain if a token
cost the same everywhere), the same in operations, and our gain as a share of both. Before
anything is timed, packed and padded batches must give the same loss; the exit status is 1 if
they do not, or, unless with --check, if ours gains less than 85 % of the token ceiling.

On a CPU the model has 13 million parameters, and the head as small a part in the work as in
Llama-2 7B. With `--device cuda` it has the shape of Llama-2 7B and is trained in bf16, whole
and with LoRA; operations a second are compared with those of a large product of matrices, timed
first.

Needs torch, transformers, peft, pyarrow and pydantic; no network, no data. `--check` runs the
same code, what a GPU is given included, on a tiny model and shorter examples in a few seconds.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

if __name__ == "__main__":
    # Behind the standard library and what is installed: this folder has files of the same names.
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != HERE]
    sys.path += [str(HERE), str(HERE.parent / "workflow")]
    from finetune_run import main

    sys.exit(main(__doc__))
