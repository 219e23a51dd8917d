# Evaluate: models and judges in, scores out.
#
# Purpose: the loss of each coverage model on the prompts of each data set (Figure 3); the run's
#          models on held-out conversations by likelihood, a stand-in for a judge; questions of
#          MT-bench in the training data.
# Inputs:  train/coverage/<dataset>/, train/<model>/, data/mtbench/
# Outputs: evaluate/coverage-<dataset>.parquet, evaluate/likelihood-{scores,verdicts}.parquet,
#          evaluate/contamination.parquet

QUESTIONS = PLAN.questions or []


for _names in COVERAGE_JOBS:

    rule:
        name:
            f"score_coverage_{'_'.join(_names) if TRAIN_GPUS else 'models'}"
        input:
            [results(f"train/coverage/{n}/config.json") for n in _names],
            models=[results(f"train/coverage/{n}/model.safetensors") for n in _names],
            prompts=[results(f"train/coverage/{n}/held-out.parquet") for n in COMPARED],
            recipe=RECIPE,
        output:
            scores=[results(f"evaluate/coverage-{n}.parquet") for n in _names],
        log:
            logs(f"score_coverage/{'_'.join(_names) if TRAIN_GPUS else 'models'}"),
        conda:
            "../../environment.yml"
        resources:
            mem_mb=3000,
            gpu=min(TRAIN_GPUS, 1),
        params:
            call="wildpaper.evaluate.coverage:score_coverage",
            code=code_digest("wildpaper.evaluate.coverage"),
            trained_on=_names,
            datasets=COMPARED,
            device=TRAINING.device if TRAINING else "cpu",
        message:
            f"Score the prompts of all data sets under the model of {', '.join(_names)}"
        script:
            "../scripts/run.py"


rule judge_likelihood:
    """The likelihood stand-in judge: which model predicts held-out replies better."""
    input:
        BASE_FILES,
        models=trained("model.safetensors"),
        examples=expand(
            results(f"train/{STUDIED}/held-out-{{shard}}.parquet"), shard=SHARDS
        ),
        recipe=RECIPE,
        tokenizer=TRAIN_TOKENIZER,
    output:
        scores=results("evaluate/likelihood-scores.parquet"),
        verdicts=results("evaluate/likelihood-verdicts.parquet"),
    log:
        logs("judge_likelihood/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=3000,
        gpu=min(TRAIN_GPUS, 1),
    params:
        call="wildpaper.evaluate.likelihood:judge_likelihood",
        code=code_digest("wildpaper.evaluate.likelihood"),
        names=list(TRAINED_ON),
        device=TRAINING.device if TRAINING else "cpu",
    message:
        "Judge by likelihood"
    script:
        "../scripts/run.py"


rule find_contamination:
    """Look for the questions of MT-bench among the tokens that were trained on."""
    input:
        questions=QUESTIONS,
        examples=expand(
            results(f"train/{STUDIED}/examples-{{shard}}.parquet"), shard=SHARDS
        ),
        recipe=RECIPE,
        tokenizer=TRAIN_TOKENIZER,
    output:
        overlaps=results("evaluate/contamination.parquet"),
    log:
        logs("find_contamination/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1500,
    params:
        call="wildpaper.evaluate.contamination:find_contamination",
        code=code_digest("wildpaper.evaluate.contamination"),
    message:
        "Look for questions of the benchmark in the training data"
    script:
        "../scripts/run.py"
