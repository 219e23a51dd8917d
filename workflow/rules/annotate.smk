# Annotate: labels beside the text, never in it.
#
# Purpose: one label file a shard, keyed by (conversation_id, position).
# Inputs:  ingest/<dataset>/messages-<shard>.parquet,
#          data/private/<preset>/release/messages-<shard>.parquet
# Outputs: annotate/{tokens,language,detoxify,jailbreak,near_duplicate}@computed/<dataset>-<shard>.parquet
#          annotate/{embedding,category,language_check}@computed/<dataset>-<shard>.parquet (samples)
#          annotate/moderation@replayed/<dataset>-<shard>.parquet
#          annotate/detoxify_check@computed/<dataset>-<shard>.parquet (a sample)
#          annotate/{language,detoxify,moderation}@recorded/<dataset>-<shard>.parquet
#          annotate/detoxify-small/, annotate/detoxify-model/, annotate/category-small/,
#          annotate/annotator-errors.json, annotate/detoxify-judgments.json

# Whatever checkpoint there is, it is converted once to safetensors; a folder of the user's that
# was converted before is taken as it is.
if PLAN.detoxify:
    CHECKPOINT_GIVEN = PLAN.detoxify.checkpoint
else:
    CHECKPOINT_GIVEN = CONFIG.annotate.detoxify.checkpoint or results(
        "annotate/detoxify-small/checkpoint.ckpt"
    )
# One that is absent, in a run that restores, is told by its suffix.
IS_CONVERTED = Path(CHECKPOINT_GIVEN).is_dir() or (
    not Path(CHECKPOINT_GIVEN).exists() and not Path(CHECKPOINT_GIVEN).suffix
)
CONVERTED = str(
    Path(CHECKPOINT_GIVEN) if IS_CONVERTED else results("annotate/detoxify-model")
)
CHECKPOINT = f"{CONVERTED}/detoxify.json"
CHECKPOINT_FILES = [
    f"{CONVERTED}/{name}"
    for name in (
        "model.safetensors",
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
    )
]
# The simulated sets are so small that loading models takes longer than using them: one job
# labels a shard of each. Sets that a preset records a label of are left to themselves.
TOGETHER = [
    name
    for name in (PLAN.simulation.datasets if PLAN.simulation else [])
    if PLAN.route(name, "language") == PLAN.route(name, "detoxify") == "computed"
]
ALONE = "|".join(name for name in [*DATASETS, RAWLOGS] if name not in TOGETHER)
GPU_OF_DETOXIFY = int(CONFIG.annotate.detoxify.device == "cuda")
JUDGED_TEXTS = CONFIG.annotate.detoxify.human_labels or (
    PLAN.simulation.file("labelled/assess.jsonl") if PLAN.simulation else ""
)
# Stored answers are inputs, unless the run adds to them.
ASK = CONFIG.annotate.moderation.ask
ASKED = [results("annotate/moderation-asked.json")] if ASK else []
ASKED_OF = (
    {"answers": PLAN.moderation_store, "model": CONFIG.annotate.moderation.model}
    if ASK
    else {}
)
STORED_ANSWERS = PLAN.stored_answers()
PROMPT_CLASSIFIER = [
    results(f"annotate/category-small/{name}")
    for name in (
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    )
]


rule count_tokens:
    """Count Llama-2 tokens exactly, each distinct unit of text once."""
    input:
        messages=messages_shard,
        tokenizer=rules.convert_tokenizer.output.tokenizer,
    output:
        labels=results("annotate/tokens@computed/{dataset}-{shard}.parquet"),
    log:
        logs("count_tokens/{dataset}-{shard}"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1500,
    params:
        call="wildpaper.annotate.tokens.count:count_tokens",
        code=code_digest("wildpaper.annotate.tokens.count"),
        memo_max_units=CONFIG.annotate.tokens.memo_max_units,
    message:
        "Count tokens of {wildcards.dataset}, shard {wildcards.shard}"
    script:
        "../scripts/run.py"


rule detect_language:
    """Identify the language of each message with lingua."""
    input:
        messages=lambda wildcards: [messages_shard(wildcards)],
    output:
        labels=[results("annotate/language@computed/{dataset}-{shard}.parquet")],
    log:
        logs("detect_language/{dataset}-{shard}"),
    wildcard_constraints:
        dataset=ALONE,
    priority: 10
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
    params:
        call="wildpaper.annotate.language.detect:detect_language",
        code=code_digest("wildpaper.annotate.language.detect"),
        datasets=lambda wildcards: [wildcards.dataset],
        languages=CONFIG.annotate.language.model_dump(mode="json")["languages"],
        accuracy=CONFIG.annotate.language.accuracy,
    message:
        "Identify languages of {wildcards.dataset}, shard {wildcards.shard}"
    script:
        "../scripts/run.py"


if TOGETHER:

    rule detect_languages:
        """Identify the languages of a shard of each simulated comparison set."""
        input:
            messages=[
                results(f"ingest/{n}/messages-{{shard}}.parquet") for n in TOGETHER
            ],
        output:
            labels=[
                results(f"annotate/language@computed/{n}-{{shard}}.parquet")
                for n in TOGETHER
            ],
        log:
            logs("detect_languages/sets-{shard}"),
        conda:
            "../../environment.yml"
        resources:
            mem_mb=2000,
        params:
            call="wildpaper.annotate.language.detect:detect_language",
            code=code_digest("wildpaper.annotate.language.detect"),
            datasets=TOGETHER,
            languages=CONFIG.annotate.language.model_dump(mode="json")["languages"],
            accuracy=CONFIG.annotate.language.accuracy,
        message:
            "Identify languages of the comparison sets, shard {wildcards.shard}"
        script:
            "../scripts/run.py"

    rule score_toxicities:
        """Score the toxicity of a shard of each simulated comparison set."""
        input:
            *CHECKPOINT_FILES,
            messages=[
                results(f"ingest/{n}/messages-{{shard}}.parquet") for n in TOGETHER
            ],
            checkpoint=CHECKPOINT,
        output:
            labels=[
                results(f"annotate/detoxify@computed/{n}-{{shard}}.parquet")
                for n in TOGETHER
            ],
        log:
            logs("score_toxicities/sets-{shard}"),
        conda:
            "../../environment.yml"
        resources:
            mem_mb=2500,
            gpu=GPU_OF_DETOXIFY,
        params:
            call="wildpaper.annotate.detoxify.score:score_detoxify",
            code=code_digest("wildpaper.annotate.detoxify.score"),
            datasets=TOGETHER,
            batch_tokens=CONFIG.annotate.detoxify.batch_tokens,
            threshold=CONFIG.annotate.detoxify.threshold,
            device=CONFIG.annotate.detoxify.device,
            precision=CONFIG.annotate.detoxify.precision,
            long_texts=CONFIG.annotate.detoxify.long_texts,
        message:
            "Score toxicity of the comparison sets, shard {wildcards.shard}"
        script:
            "../scripts/run.py"


rule match_jailbreaks:
    """Find the prompts of seven known jailbreak families among the user messages."""
    input:
        messages=messages_shard,
        patterns=repo("data/jailbreaks.yaml"),
    output:
        labels=results("annotate/jailbreak@computed/{dataset}-{shard}.parquet"),
    log:
        logs("match_jailbreaks/{dataset}-{shard}"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1000,
    params:
        call="wildpaper.annotate.jailbreaks.match:match_jailbreaks",
        code=code_digest("wildpaper.annotate.jailbreaks.match"),
    message:
        "Match jailbreak prompts in {wildcards.dataset}, shard {wildcards.shard}"
    script:
        "../scripts/run.py"


if ASK:

    rule ask_moderation:
        """Ask the moderation interface for the answers that the store lacks."""
        input:
            messages=shards_of("messages", PLAN.replayed()),
        output:
            report=results("annotate/moderation-asked.json"),
        log:
            logs("ask_moderation/all"),
        conda:
            "../../environment.yml"
        resources:
            mem_mb=3000,
        params:
            **CONFIG.annotate.moderation.model_dump(
                mode="json", exclude={"answers", "ask"}
            ),
            call="wildpaper.annotate.moderation.ask:ask_moderation",
            code=code_digest("wildpaper.annotate.moderation.ask"),
            answers=PLAN.moderation_store,
        message:
            "Ask the moderation interface"
        script:
            "../scripts/run.py"


rule replay_moderation:
    """Join stored answers of the moderation interface to messages."""
    input:
        messages=messages_shard,
        acquired=lambda wildcards: PLAN.moderated_by(wildcards.dataset) or [],
        answers=STORED_ANSWERS,
        asked=ASKED,
    output:
        labels=results("annotate/moderation@replayed/{dataset}-{shard}.parquet"),
    log:
        logs("replay_moderation/{dataset}-{shard}"),
    wildcard_constraints:
        dataset="|".join(PLAN.replayed()) or "none-(?!)",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1000,
    params:
        **ASKED_OF,
        call="wildpaper.annotate.moderation.replay:replay_moderation",
        code=code_digest("wildpaper.annotate.moderation.replay"),
    message:
        "Replay moderation of {wildcards.dataset}, shard {wildcards.shard}"
    script:
        "../scripts/run.py"


for _name in [name for name, planned in PLAN.datasets.items() if planned.recorded]:

    rule:
        name:
            f"keep_recorded_{_name}"
        input:
            acquired=PLAN.datasets[_name].acquired,
        output:
            labels=[
                results(f"annotate/{label}@recorded/{_name}-{shard}.parquet")
                for label in PLAN.datasets[_name].recorded
                for shard in SHARDS
            ],
        log:
            logs(f"keep_recorded/{_name}"),
        conda:
            "../../environment.yml"
        resources:
            mem_mb=2000,
        params:
            call="wildpaper.annotate.recorded.keep:keep_recorded",
            code=code_digest("wildpaper.annotate.recorded.keep"),
            names=PLAN.datasets[_name].recorded,
            dataset=_name,
            native_format=PLAN.datasets[_name].native_format,
            options=CONFIG.ingest.model_dump(mode="json"),
        message:
            f"Take the labels that {_name} records"
        script:
            "../scripts/run.py"


rule score_detoxify:
    """Score toxicity with Detoxify, each distinct text once."""
    input:
        *CHECKPOINT_FILES,
        messages=lambda wildcards: [messages_shard(wildcards)],
        checkpoint=CHECKPOINT,
    output:
        labels=[results("annotate/detoxify@computed/{dataset}-{shard}.parquet")],
    log:
        logs("score_detoxify/{dataset}-{shard}"),
    wildcard_constraints:
        dataset=ALONE,
    priority: 10
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2500,
        gpu=GPU_OF_DETOXIFY,
    params:
        call="wildpaper.annotate.detoxify.score:score_detoxify",
        code=code_digest("wildpaper.annotate.detoxify.score"),
        datasets=lambda wildcards: [wildcards.dataset],
        batch_tokens=CONFIG.annotate.detoxify.batch_tokens,
        threshold=CONFIG.annotate.detoxify.threshold,
        device=CONFIG.annotate.detoxify.device,
        precision=CONFIG.annotate.detoxify.precision,
        long_texts=CONFIG.annotate.detoxify.long_texts,
    message:
        "Score toxicity of {wildcards.dataset}, shard {wildcards.shard}"
    script:
        "../scripts/run.py"


if CONVERTED != CHECKPOINT_GIVEN:

    rule convert_detoxify:
        """Convert a checkpoint of Detoxify to safetensors, with its checksums."""
        input:
            *(PLAN.detoxify.base if PLAN.detoxify else []),
            checkpoint=CHECKPOINT_GIVEN,
        output:
            about=CHECKPOINT,
            weights=CHECKPOINT_FILES[0],
            model_config=CHECKPOINT_FILES[1],
            tokenizer=CHECKPOINT_FILES[2],
            tokenizer_config=CHECKPOINT_FILES[3],
        log:
            logs("convert_detoxify/all"),
        priority: 10
        conda:
            "../../environment.yml"
        resources:
            mem_mb=6000 if CONFIG.annotate.detoxify.checkpoint else 1500,
        params:
            call="wildpaper.annotate.detoxify.convert:convert_detoxify",
            code=code_digest("wildpaper.annotate.detoxify.convert"),
        message:
            "Convert the Detoxify checkpoint"
        script:
            "../scripts/run.py"


rule check_detoxify:
    """Score anew a sample of messages whose Detoxify scores are recorded."""
    input:
        *CHECKPOINT_FILES,
        messages=expand(
            results("ingest/{{dataset}}/messages-{shard}.parquet"), shard=SHARDS
        ),
        checkpoint=CHECKPOINT,
    output:
        labels=expand(
            results("annotate/detoxify_check@computed/{{dataset}}-{shard}.parquet"),
            shard=SHARDS,
        ),
    log:
        logs("check_detoxify/{dataset}"),
    wildcard_constraints:
        dataset="|".join(DATASETS),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2500,
        gpu=GPU_OF_DETOXIFY,
    params:
        call="wildpaper.annotate.detoxify.rescore:check_detoxify",
        code=code_digest("wildpaper.annotate.detoxify.rescore"),
        dataset="{dataset}",
        n_messages=CONFIG.annotate.detoxify.check_messages,
        seed=CONFIG.seed,
        device=CONFIG.annotate.detoxify.device,
        precision=CONFIG.annotate.detoxify.precision,
        batch_tokens=CONFIG.annotate.detoxify.batch_tokens,
        threshold=CONFIG.annotate.detoxify.threshold,
    message:
        "Check recorded toxicity of {wildcards.dataset}"
    script:
        "../scripts/run.py"


if JUDGED_TEXTS:

    rule assess_human_labels:
        """Compare the checkpoint with what people, or the simulator, say of texts."""
        input:
            *CHECKPOINT_FILES,
            checkpoint=CHECKPOINT,
            judgments=JUDGED_TEXTS,
        output:
            assessed=results("annotate/detoxify-judgments.json"),
        log:
            logs("assess_human_labels/all"),
        conda:
            "../../environment.yml"
        resources:
            mem_mb=2500,
            gpu=GPU_OF_DETOXIFY,
        params:
            call="wildpaper.annotate.detoxify.human:assess_human_labels",
            code=code_digest("wildpaper.annotate.detoxify.human"),
            threshold=CONFIG.annotate.detoxify.threshold,
            batch_tokens=CONFIG.annotate.detoxify.batch_tokens,
            device=CONFIG.annotate.detoxify.device,
            precision=CONFIG.annotate.detoxify.precision,
            long_texts=CONFIG.annotate.detoxify.long_texts,
        message:
            "Compare Detoxify with known judgments"
        script:
            "../scripts/run.py"


rule find_near_duplicates:
    """Cluster the user messages of a data set that are almost the same, by MinHash."""
    input:
        messages=expand(
            results("ingest/{{dataset}}/messages-{shard}.parquet"), shard=SHARDS
        ),
    output:
        labels=expand(
            results("annotate/near_duplicate@computed/{{dataset}}-{shard}.parquet"),
            shard=SHARDS,
        ),
    log:
        logs("find_near_duplicates/{dataset}"),
    wildcard_constraints:
        dataset="|".join(DATASETS),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
    params:
        call="wildpaper.annotate.near_duplicates.find:find_near_duplicates",
        code=code_digest("wildpaper.annotate.near_duplicates.find"),
        dataset="{dataset}",
        threshold=CONFIG.annotate.near_duplicate.threshold,
        shingle_characters=CONFIG.annotate.near_duplicate.shingle_characters,
        n_permutations=CONFIG.annotate.near_duplicate.n_permutations,
        seed=CONFIG.seed,
    message:
        "Find near-duplicates in {wildcards.dataset}"
    script:
        "../scripts/run.py"


rule check_language:
    """Identify anew the language of a sample of messages whose language is recorded."""
    input:
        messages=expand(
            results("ingest/{{dataset}}/messages-{shard}.parquet"), shard=SHARDS
        ),
    output:
        labels=expand(
            results("annotate/language_check@computed/{{dataset}}-{shard}.parquet"),
            shard=SHARDS,
        ),
    log:
        logs("check_language/{dataset}"),
    wildcard_constraints:
        dataset="|".join(DATASETS),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
    params:
        call="wildpaper.annotate.language.check:check_language",
        code=code_digest("wildpaper.annotate.language.check"),
        dataset="{dataset}",
        languages=CONFIG.annotate.language.model_dump(mode="json")["languages"],
        accuracy=CONFIG.annotate.language.accuracy,
        n_messages=CONFIG.annotate.language.check_messages,
        seed=CONFIG.seed,
    message:
        "Check recorded languages of {wildcards.dataset}"
    script:
        "../scripts/run.py"


rule embed_prompts:
    """Embed first user messages, sampled from each data set."""
    input:
        messages=shards_of("messages", PLAN.datasets),
    output:
        labels=labels_of("embedding", PLAN.datasets),
    log:
        logs("embed_prompts/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=3000,
    params:
        call="wildpaper.annotate.embeddings.embed:embed_prompts",
        code=code_digest("wildpaper.annotate.embeddings.embed"),
        watch=state_of_model(CONFIG.annotate.embedding.model),
        datasets=list(PLAN.datasets),
        model=CONFIG.annotate.embedding.model,
        revision=CONFIG.annotate.embedding.revision,
        device=CONFIG.annotate.embedding.device,
        per_dataset=CONFIG.annotate.embedding.per_dataset,
        seed=CONFIG.seed,
    message:
        "Embed first prompts"
    script:
        "../scripts/run.py"


if PLAN.built("table-04-prompt-categories"):

    rule classify_prompts:
        """Sort a sample of WildChat's English first prompts into categories."""
        input:
            messages=shards_of("messages", WILDCHAT),
            languages=labels_of("language", WILDCHAT),
            model=[] if CONFIG.annotate.category.model else PROMPT_CLASSIFIER,
            categories=repo("data/categories.yaml"),
        output:
            labels=labels_of("category", WILDCHAT),
        log:
            logs("classify_prompts/wildchat"),
        conda:
            "../../environment.yml"
        resources:
            mem_mb=3000,
        params:
            call="wildpaper.annotate.categories.classify:classify_prompts",
            code=code_digest("wildpaper.annotate.categories.classify"),
            watch=state_of_model(CONFIG.annotate.category.model),
            name=CONFIG.annotate.category.model,
            revision=CONFIG.annotate.category.revision,
            n_sample=CONFIG.annotate.category.sample,
            seed=CONFIG.seed,
        message:
            "Sort first prompts into categories"
        script:
            "../scripts/run.py"


if PLAN.simulation:

    rule train_detoxify:
        """Train a small checkpoint in Detoxify's own format on simulated labels."""
        input:
            labelled=PLAN.simulation.file("labelled/train.jsonl"),
        output:
            checkpoint=results("annotate/detoxify-small/checkpoint.ckpt"),
            model_config=results("annotate/detoxify-small/config.json"),
            tokenizer=results("annotate/detoxify-small/tokenizer.json"),
            tokenizer_config=results("annotate/detoxify-small/tokenizer_config.json"),
        log:
            logs("train_detoxify/all"),
        priority: 10
        conda:
            "../../environment.yml"
        resources:
            mem_mb=2500,
        params:
            call="wildpaper.annotate.detoxify.training:train_detoxify",
            code=code_digest("wildpaper.annotate.detoxify.training"),
            seed=CONFIG.seed,
        message:
            "Train a small Detoxify checkpoint"
        script:
            "../scripts/run.py"

    rule train_category:
        """Train a small classifier of prompts on simulated labels."""
        input:
            labelled=PLAN.simulation.file("labelled/prompts-train.jsonl"),
        output:
            model_config=PROMPT_CLASSIFIER[0],
            weights=PROMPT_CLASSIFIER[1],
            tokenizer=PROMPT_CLASSIFIER[2],
            tokenizer_config=PROMPT_CLASSIFIER[3],
        log:
            logs("train_category/all"),
        conda:
            "../../environment.yml"
        resources:
            mem_mb=2500,
        params:
            call="wildpaper.annotate.categories.training:train_category",
            code=code_digest("wildpaper.annotate.categories.training"),
            seed=CONFIG.seed,
        message:
            "Train a small classifier of prompts"
        script:
            "../scripts/run.py"

    rule assess_annotators:
        """Measure the errors of lingua, Detoxify and the prompt classifier on known texts."""
        input:
            *CHECKPOINT_FILES,
            labelled=PLAN.simulation.file("labelled/assess.jsonl"),
            checkpoint=CHECKPOINT,
            prompts=PLAN.simulation.file("labelled/prompts-assess.jsonl"),
            classifier=[] if CONFIG.annotate.category.model else PROMPT_CLASSIFIER,
            categories=repo("data/categories.yaml"),
        output:
            errors=results("annotate/annotator-errors.json"),
        log:
            logs("assess_annotators/all"),
        conda:
            "../../environment.yml"
        resources:
            mem_mb=2500,
        params:
            call="wildpaper.annotate.assess:assess_annotators",
            code=code_digest("wildpaper.annotate.assess"),
            languages=CONFIG.annotate.language.model_dump(mode="json")["languages"],
            accuracy=CONFIG.annotate.language.accuracy,
            threshold=CONFIG.annotate.detoxify.threshold,
            batch_tokens=CONFIG.annotate.detoxify.batch_tokens,
            name=CONFIG.annotate.category.model,
            revision=CONFIG.annotate.category.revision,
        message:
            "Measure the errors of the classifiers"
        script:
            "../scripts/run.py"
