# Evaluate: models and judges in, scores out.
#
# Purpose: the loss of each coverage model on the prompts of each data set (Figure 3); the run's
#          models on held-out conversations by likelihood, a stand-in for a judge; questions of
#          MT-bench in the training data; answers to these questions, and judgments of them.
# Inputs:  train/coverage/<dataset>/, train/<model>/, data/mtbench/, stored answers and judgments
# Outputs: evaluate/coverage-<dataset>.parquet, evaluate/likelihood-{scores,verdicts}.parquet,
#          evaluate/contamination.parquet, evaluate/answers/<model>.jsonl,
#          evaluate/judgments.parquet

QUESTIONS = PLAN.questions or []
JUDGE = CONFIG.evaluate.judge
ANSWERING = CONFIG.evaluate.answers
ANSWERED = EVALUATION.models if EVALUATION and EVALUATION.judge.kind != "replay" else []


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
        priority: 10
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


rule answer_questions:
    """A model of the run answers the questions of MT-bench, turn by turn."""
    input:
        BASE_FILES,
        rules.train_model.output.config,
        questions=QUESTIONS,
        model=rules.train_model.output.model,
        recipe=RECIPE,
        tokenizer=TRAIN_TOKENIZER,
    output:
        answers=results("evaluate/answers/{model}.jsonl"),
    log:
        logs("answer_questions/{model}"),
    wildcard_constraints:
        model="|".join(TRAINED_ON) or "none-(?!)",
    conda:
        "../../environment.yml"
    threads: ANSWERING.n_threads
    resources:
        mem_mb=3000,
        gpu=min(TRAIN_GPUS, 1),
    params:
        call="wildpaper.evaluate.answers.local:answer_questions",
        code=code_digest("wildpaper.evaluate.answers.local"),
        model_name="{model}",
        seed=CONFIG.seed,
        max_new_tokens=ANSWERING.max_new_tokens,
        batch=ANSWERING.batch,
        n_threads=ANSWERING.n_threads,
        device=TRAINING.device if TRAINING else "cpu",
    message:
        "Answers of {wildcards.model}"
    script:
        "../scripts/run.py"


rule answer_with_base:
    """The pretrained base of the recipe answers before it is fine-tuned."""
    input:
        BASE_FILES,
        questions=QUESTIONS,
        recipe=RECIPE,
        tokenizer=TRAIN_TOKENIZER,
    output:
        answers=results("evaluate/answers/base.jsonl"),
    log:
        logs("answer_with_base/base"),
    conda:
        "../../environment.yml"
    threads: ANSWERING.n_threads
    resources:
        mem_mb=3000,
        gpu=min(TRAIN_GPUS, 1),
    params:
        call="wildpaper.evaluate.answers.local:answer_with_pretrained",
        code=code_digest("wildpaper.evaluate.answers.local"),
        model_name="base",
        place=(TRAINING.recipe.base_folder or TRAINING.recipe.base) if TRAINING else "",
        revision=TRAINING.recipe.base_revision if TRAINING else None,
        seed=CONFIG.seed,
        max_new_tokens=ANSWERING.max_new_tokens,
        batch=ANSWERING.batch,
        n_threads=ANSWERING.n_threads,
        device=TRAINING.device if TRAINING else "cpu",
    message:
        "Answers of the pretrained base"
    script:
        "../scripts/run.py"


rule answer_with_pretrained:
    """A chat model from a folder or from the hub answers through its own template."""
    input:
        *PREFLIGHT,
        questions=QUESTIONS,
    output:
        answers=results("evaluate/answers/{model}.jsonl"),
    log:
        logs("answer_with_pretrained/{model}"),
    wildcard_constraints:
        model=answering("model"),
    conda:
        "../../environment.yml"
    threads: ANSWERING.n_threads
    resources:
        mem_mb=16000,
        gpu=min(TRAIN_GPUS, 1),
    params:
        call="wildpaper.evaluate.answers.local:answer_with_pretrained",
        code=code_digest("wildpaper.evaluate.answers.local"),
        model_name="{model}",
        place=lambda wildcards: answering_model(wildcards).model,
        revision=lambda wildcards: answering_model(wildcards).revision,
        watch=lambda wildcards: state_of_model(answering_model(wildcards).model),
        seed=CONFIG.seed,
        max_new_tokens=ANSWERING.max_new_tokens,
        batch=ANSWERING.batch,
        n_threads=ANSWERING.n_threads,
        device=TRAINING.device if TRAINING else "cpu",
    message:
        "Answers of {wildcards.model}"
    script:
        "../scripts/run.py"


rule answer_over_interface:
    """A model that is served elsewhere answers; the questions leave the machine."""
    input:
        *PREFLIGHT,
        questions=QUESTIONS,
    output:
        answers=results("evaluate/answers/{model}.jsonl"),
    log:
        logs("answer_over_interface/{model}"),
    wildcard_constraints:
        model=answering("endpoint"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=500,
    params:
        call="wildpaper.evaluate.answers.served:answer_over_interface",
        code=code_digest("wildpaper.evaluate.answers.served"),
        model_name="{model}",
        url=lambda wildcards: answering_model(wildcards).endpoint,
        served_model=lambda wildcards: answering_model(wildcards).served,
        key_variable=ANSWERING.key_variable,
        seed=CONFIG.seed,
        max_new_tokens=ANSWERING.max_new_tokens,
        concurrency=ANSWERING.concurrency,
        timeout_s=ANSWERING.timeout_s,
        attempts=ANSWERING.attempts,
    message:
        "Answers of {wildcards.model}, served elsewhere"
    script:
        "../scripts/run.py"


rule take_answers:
    """Stored answers in FastChat's format, checked."""
    input:
        questions=QUESTIONS,
        source=lambda wildcards: answering_model(wildcards).answers,
    output:
        answers=results("evaluate/answers/{model}.jsonl"),
    log:
        logs("take_answers/{model}"),
    wildcard_constraints:
        model=answering("answers"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=500,
    params:
        call="wildpaper.evaluate.answers.stored:take_answers",
        code=code_digest("wildpaper.evaluate.answers.stored"),
        model_name="{model}",
        allow_missing=True,
    message:
        "Stored answers of {wildcards.model}"
    script:
        "../scripts/run.py"


if JUDGE.kind == "replay":

    rule replay_judgments:
        """Stored judgments in FastChat's format, read anew by the strict parser."""
        input:
            *[one.answers for one in EVALUATION.answering("answers").values()],
            questions=QUESTIONS,
            sources=JUDGE.judgments,
        output:
            judgments=results("evaluate/judgments.parquet"),
            report=results("evaluate/judgments.json"),
        log:
            logs("replay_judgments/all"),
        conda:
            "../../environment.yml"
        resources:
            mem_mb=1000,
        params:
            call="wildpaper.evaluate.judging.replay:replay_judgments",
            code=code_digest("wildpaper.evaluate.judging.replay"),
            models=JUDGE.names or None,
            answers={n: m.answers for n, m in EVALUATION.answering("answers").items()},
        message:
            "Replay stored judgments"
        script:
            "../scripts/run.py"

elif JUDGE.kind == "ask":

    rule ask_judge:
        """A judge model grades and compares; answers leave the machine, each asked about once."""
        input:
            questions=QUESTIONS,
            answers=[results(f"evaluate/answers/{name}.jsonl") for name in ANSWERED],
            prompts=EVALUATION.prompts if EVALUATION else [],
            references=(
                [EVALUATION.references] if EVALUATION and EVALUATION.references else []
            ),
        output:
            judgments=results("evaluate/judgments.parquet"),
            report=results("evaluate/judgments.json"),
        log:
            logs("ask_judge/all"),
        conda:
            "../../environment.yml"
        resources:
            mem_mb=1000,
        params:
            call="wildpaper.evaluate.judging.ask:ask_judge",
            code=code_digest("wildpaper.evaluate.judging.ask"),
            models=ANSWERED,
            pairs=EVALUATION.pairs if EVALUATION else [],
            log_folder=EVALUATION.log if EVALUATION else "",
            endpoint=JUDGE.endpoint,
            judge=JUDGE.model,
            key_variable=JUDGE.key_variable,
            concurrency=JUDGE.concurrency,
            requests_per_minute=JUDGE.requests_per_minute,
            tokens_per_minute=JUDGE.tokens_per_minute,
            timeout_s=JUDGE.timeout_s,
            attempts=JUDGE.attempts,
            max_tokens=JUDGE.max_tokens,
            usd_per_million_in=JUDGE.usd_per_million_in,
            usd_per_million_out=JUDGE.usd_per_million_out,
            most_requests=JUDGE.most_requests,
            most_usd=JUDGE.most_usd,
            robustness_questions=JUDGE.robustness_questions,
            seed=CONFIG.seed,
        message:
            "Ask the judge"
        script:
            "../scripts/run.py"

else:

    rule judge_answers:
        """The likelihood stand-in grades and compares answers; it measures no quality."""
        input:
            BASE_FILES,
            trained("config.json"),
            questions=QUESTIONS,
            answers=[results(f"evaluate/answers/{name}.jsonl") for name in ANSWERED],
            models=trained("model.safetensors"),
            recipe=RECIPE,
            tokenizer=TRAIN_TOKENIZER,
        output:
            judgments=results("evaluate/judgments.parquet"),
            report=results("evaluate/judgments.json"),
        log:
            logs("judge_answers/all"),
        conda:
            "../../environment.yml"
        resources:
            mem_mb=3000,
            gpu=min(TRAIN_GPUS, 1),
        params:
            call="wildpaper.evaluate.judging.likelihood:judge_answers_by_likelihood",
            code=code_digest("wildpaper.evaluate.judging.likelihood"),
            names=ANSWERED,
            scorers=list(TRAINED_ON),
            pairs=EVALUATION.pairs if EVALUATION else [],
            robustness_questions=JUDGE.robustness_questions,
            seed=CONFIG.seed,
            device=TRAINING.device if TRAINING else "cpu",
        message:
            "Judge answers by likelihood, a stand-in"
        script:
            "../scripts/run.py"
