# Acquire: immutable, checksummed raw files.
#
# Purpose: link, download, convert or simulate what the run needs, and check it.
# Inputs:  data/sources.yaml, the user's files, addresses and the hub
# Outputs: data/raw/<dataset>/<version>/acquired.json, the files beside it
#          data/raw/simulated/<version>/{truth,personal}.json, true-calls.parquet, rawlogs/, <dataset>/
#          data/raw/preflight.json
#          acquire/llama2-tokenizer.json


if PLAN.needs:

    rule check_requirements:
        """Network, token, access, GPUs, disk: everything that is missing is said at once."""
        output:
            preflight="data/raw/preflight.json",
        log:
            "data/raw/logs/preflight.log",
        priority: 100
        conda:
            "../../environment.yml"
        params:
            call="wildpaper.acquire.preflight:check_requirements",
            code=code_digest("wildpaper.acquire.preflight"),
            needs=PLAN.needs,
        message:
            "Check what the run needs"
        script:
            "../scripts/run.py"


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


if PLAN.rawlogs and PLAN.rawlogs.files:

    rule link_raw_logs:
        """Link raw interaction logs of the user's own."""
        input:
            files=PLAN.rawlogs.files,
        output:
            acquired=PLAN.rawlogs.acquired,
        log:
            "data/raw/rawlogs/logs/local.log",
        conda:
            "../../environment.yml"
        params:
            call="wildpaper.acquire.raw_logs:link_raw_logs",
            code=code_digest("wildpaper.acquire.raw_logs"),
            watch=PLAN.rawlogs.state,
        message:
            "Link and check raw logs"
        script:
            "../scripts/run.py"


rule download_dataset:
    """Download a release from plain addresses; resumes, verifies, leaves no half a file."""
    input:
        *PREFLIGHT,
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
        *PREFLIGHT,
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
        *PREFLIGHT,
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


if TRAINING and TRAINING.base_source:

    rule convert_gguf:
        """Convert the pretrained base of a recipe: weights in bf16, and its tokenizer."""
        input:
            gguf=TRAINING.base_source,
        output:
            weights=TRAINING.base_files()[0],
            config=TRAINING.base_files()[1],
            tokenizer=TRAINING.base_files()[2],
        log:
            f"data/raw/logs/convert_gguf/{Path(TRAINING.recipe.base_folder).name}.log",
        conda:
            "../../environment.yml"
        resources:
            mem_mb=3000,
        params:
            call="wildpaper.acquire.gguf_model:convert_gguf",
            code=code_digest("wildpaper.acquire.gguf_model"),
            sha256=TRAINING.base_sha256,
        message:
            f"Convert {TRAINING.recipe.base_title}"
        script:
            "../scripts/run.py"


if PLAN.simulation:

    rule simulate_study:
        """Invent raw logs and comparison sets with planted truth; the same bytes for a seed."""
        input:
            tokenizer=rules.convert_tokenizer.output.tokenizer,
            published=repo("data/published.yaml"),
        output:
            truth=PLAN.simulation.file("truth.json"),
            personal=PLAN.simulation.file("personal.json"),
            true_calls=PLAN.simulation.file("true-calls.parquet"),
            rawlogs=PLAN.simulation.file("rawlogs/acquired.json"),
            moderation=PLAN.simulation.file("moderation/acquired.json"),
            datasets=[
                PLAN.simulation.file(f"{name}/acquired.json")
                for name in PLAN.simulation.datasets
            ],
            labelled=[
                PLAN.simulation.file("labelled/train.jsonl"),
                PLAN.simulation.file("labelled/assess.jsonl"),
                PLAN.simulation.file("labelled/prompts-train.jsonl"),
                PLAN.simulation.file("labelled/prompts-assess.jsonl"),
            ],
        log:
            f"data/raw/simulated/logs/{Path(PLAN.simulation.folder).name}.log",
        conda:
            "../../environment.yml"
        threads: 2
        resources:
            mem_mb=1500,
        params:
            call="wildpaper.acquire.simulation.study:simulate_study",
            code=code_digest("wildpaper.acquire.simulation.study"),
            watch=files_digest(Path(ROOT, "data/simulation/lexicon").glob("*.yaml")),
            n_conversations=CONFIG.simulate.conversations,
            n_per_dataset=CONFIG.simulate.per_dataset,
            n_labelled=CONFIG.simulate.labelled,
            length_scale=CONFIG.simulate.length_scale,
            seed=CONFIG.seed,
        message:
            "Simulate raw logs and comparison sets"
        script:
            "../scripts/run.py"


if PLAN.detoxify:

    rule fetch_detoxify:
        """Fetch a checkpoint that Detoxify publishes, and the architecture that it needs."""
        input:
            *PREFLIGHT,
            registry=ancient(repo("data/detoxify.yaml")),
        output:
            checkpoint=PLAN.detoxify.checkpoint,
            base=PLAN.detoxify.base,
            acquired=f"{PLAN.detoxify.folder}/acquired.json",
        log:
            f"data/raw/detoxify/logs/{PLAN.detoxify.name}.log",
        conda:
            "../../environment.yml"
        params:
            call="wildpaper.annotate.detoxify.published:fetch_detoxify",
            code=code_digest("wildpaper.annotate.detoxify.published"),
            name=PLAN.detoxify.name,
        message:
            f"Fetch Detoxify's {PLAN.detoxify.name}"
        script:
            "../scripts/run.py"
