# Evaluate: models and judges in, scores out.
#
# Purpose: compare the run's models on held-out conversations by likelihood, a stand-in for a judge.
# Inputs:  train/<model>/model.safetensors, train/wildllama/held-out.parquet
# Outputs: evaluate/likelihood-{scores,verdicts}.parquet


rule judge_likelihood:
    """The likelihood stand-in judge: which model predicts held-out replies better."""
    input:
        models=trained("model.safetensors"),
        examples=results("train/wildllama/held-out.parquet"),
    output:
        scores=results("evaluate/likelihood-scores.parquet"),
        verdicts=results("evaluate/likelihood-verdicts.parquet"),
    log:
        logs("judge_likelihood/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=3000,
    params:
        call="wildpaper.evaluate.likelihood:judge_likelihood",
        code=code_digest("wildpaper.evaluate.likelihood"),
        names=list(TRAINED_ON),
    message:
        "Judge by likelihood"
    script:
        "../scripts/run.py"
