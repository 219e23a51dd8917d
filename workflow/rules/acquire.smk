# Acquire: immutable, checksummed raw files.
#
# Purpose: link, download or convert what the run needs, and check it.
# Inputs:  data/sources.yaml, the user's files, addresses and the hub
# Outputs: data/raw/<dataset>/<version>/acquired.json, the files beside it
#          data/raw/llama2-tokenizer/<digest>/tokenizer.json


rule link_dataset:
    """Link files of the user's own; a registered release is recognised by its checksums."""
    input:
        files=lambda wildcards: PLAN.datasets[wildcards.dataset].files,
        sources=ancient(repo("data/sources.yaml")),
    output:
        acquired="data/raw/{dataset}/{version}/acquired.json",
    log:
        "data/raw/{dataset}/logs/{version}.log",
    wildcard_constraints:
        dataset=datasets_from("path"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.acquire.dataset:acquire_path",
        code=code_digest("wildpaper.acquire.dataset"),
        watch=lambda wildcards: PLAN.datasets[wildcards.dataset].registry,
        dataset="{dataset}",
    message:
        "Link and check the files of {wildcards.dataset}"
    script:
        "../scripts/run.py"


rule download_dataset:
    """Download a release from plain addresses; resumes, verifies, leaves no half a file."""
    input:
        sources=ancient(repo("data/sources.yaml")),
    output:
        acquired="data/raw/{dataset}/{version}/acquired.json",
    log:
        "data/raw/{dataset}/logs/{version}.log",
    wildcard_constraints:
        dataset=datasets_from("url"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.acquire.dataset:acquire_url",
        code=code_digest("wildpaper.acquire.dataset"),
        watch=lambda wildcards: PLAN.datasets[wildcards.dataset].registry,
        dataset="{dataset}",
        version="{version}",
    message:
        "Download {wildcards.dataset} {wildcards.version}"
    script:
        "../scripts/run.py"


rule fetch_dataset:
    """Download a release from the hub, all files from one commit."""
    input:
        sources=ancient(repo("data/sources.yaml")),
    output:
        acquired="data/raw/{dataset}/{version}/acquired.json",
    log:
        "data/raw/{dataset}/logs/{version}.log",
    wildcard_constraints:
        dataset=datasets_from("hub"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.acquire.dataset:acquire_hub",
        code=code_digest("wildpaper.acquire.dataset"),
        watch=lambda wildcards: PLAN.datasets[wildcards.dataset].registry,
        dataset="{dataset}",
        version="{version}",
    message:
        "Fetch {wildcards.dataset} {wildcards.version} from the hub"
    script:
        "../scripts/run.py"


rule fetch_tokenizer:
    """Download Meta's tokenizer from its gated repository on the hub."""
    input:
        sources=ancient(repo("data/sources.yaml")),
    output:
        tokenizer=HUB_TOKENIZER,
    log:
        "data/raw/llama2-tokenizer/logs/hub.log",
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.acquire.tokenizer_source:fetch_tokenizer",
        code=code_digest("wildpaper.acquire.tokenizer_source"),
    message:
        "Fetch the Llama-2 tokenizer from the hub"
    script:
        "../scripts/run.py"


rule convert_tokenizer:
    """Bring the Llama-2 vocabulary into Hugging Face form; all sources give the same counts."""
    input:
        source=PLAN.tokenizer_file,
    output:
        tokenizer=results("acquire/llama2-tokenizer.json"),
    log:
        logs("convert_tokenizer/llama2"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.acquire.tokenizer_source:convert_tokenizer",
        code=code_digest("wildpaper.acquire.tokenizer_source"),
        sha256=PLAN.tokenizer_sha256,
    message:
        "Convert the Llama-2 tokenizer"
    script:
        "../scripts/run.py"
