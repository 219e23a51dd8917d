"""The exercises of the notebooks, what answers each, and what is said to a wrong answer."""

from wildpaper.present.teaching import answers
from wildpaper.present.teaching.exercise import Exercise

_TENTH, _HUNDREDTH = 0.05, 0.005

EXERCISES: dict[str, Exercise] = {
    "tour.obtained": Exercise(
        "", lambda run: answers.n_published(run, obtained=True),
        "Count the rows of `claims` of kind 'published' whose `obtained` is not None.",
        mistakes={"That many values are published; some of them this run did not compute.":
                  lambda run: answers.n_published(run, obtained=False),
                  "That counts the project's own numbers too.":
                  lambda run: sum(c["obtained"] is not None for c in run.claims)},
    ),
    "tour.verdict": Exercise(
        "", answers.frequent_verdict, "Look at the table of verdicts of all ids."
    ),
    "tour.kept": Exercise(
        "flow-ledger", answers.first_row_kept,
        "Take the first row of the ledger: `kept` over `in`, times 100.", _TENTH,
        {"A percentage is asked for, not a share from 0 to 1.":
         lambda run: (answers.first_row_kept(run) or 0) / 100},
    ),
    "statistics.long": Exercise(
        "token-lengths", lambda run: answers.most(answers.long_shares(run)),
        f"In the table of tails for users, compare the data sets in the row {answers.LONG_TOKENS}.",
    ),
    "statistics.median": Exercise(
        "token-lengths", answers.median_bin,
        "Go up the table of tails for users: in the last row at or above 50 % lies the median.",
    ),
    "statistics.width": Exercise(
        "table-01-datasets", answers.relative_width,
        "Subtract the lower end of the interval from the upper end, and divide by the mean.",
        _TENTH,
        {"That is half of it: the whole width is asked for.":
         lambda run: (answers.relative_width(run) or 0) / 2},
    ),
    "release.kept": Exercise(
        "release-text", answers.calls_kept, "Divide `kept` by the number of lines.", _TENTH,
        {"That share was dropped.": answers.calls_dropped},
    ),
    "release.reason": Exercise(
        "release-text", answers.frequent_reason,
        "Compare the counts of the reasons in the first table.",
    ),
    "release.recovered": Exercise(
        "linking-causes", answers.recovered,
        "Look at the row of totals: recovered over true.", _TENTH,
        {"That share was not recovered.": answers.not_recovered},
    ),
    "toxicity.one": Exercise(
        "table-06-toxicity-overlap", answers.by_one_only,
        "Of those flagged by either, take away those flagged by both.", _HUNDREDTH,
        {"That share is flagged by both.": lambda run: answers.user_share(run, "both")},
    ),
    "toxicity.agreed": Exercise(
        "table-06-toxicity-overlap", answers.agreed,
        "Set the share flagged by both in relation to the share flagged by either.", _TENTH,
        {"That is the share of all messages.": lambda run: answers.user_share(run, "both")},
    ),
    "toxicity.fall": Exercise(
        "threshold-sweep", answers.fall,
        "Run the last section with threshold = 0.1 and 0.5, and subtract.", _HUNDREDTH,
        {"That is the share at 0.5, not the difference.": answers.share_at_half},
    ),
    "embeddings.least": Exercise(
        "embedding-overlap", answers.least_mixed,
        "Look for the lowest number in the column of mixing.",
    ),
    "embeddings.chance": Exercise(
        "embedding-overlap", answers.outside_chance,
        "Compare each mixing with the lower end of the range of random labels.",
    ),
    "embeddings.repeated": Exercise(
        "near-duplicates", answers.repeated_messages,
        "The table gives a percentage and what it is taken of: multiply.", 0.5,
        {"That is the percentage, not the number of messages.":
         lambda run: answers.value(run, "near-duplicates", "wildchat", "messages-in-clusters")},
    ),
    "training.diagonal": Exercise(
        "figure-03-coverage", answers.lowest_on_diagonal,
        "Frames mark the lowest loss of each column; count those on the diagonal.",
    ),
    "training.perplexity": Exercise(
        "figure-03-coverage", answers.perplexity,
        "A perplexity is the exponential of a loss in nats.", 1.0,
        {"That takes the loss as bits; it is in nats.": answers.base_2},
    ),
    "training.gain": Exercise(
        "data-size", answers.doubling, "Look at the row that compares 100 % with 50 %.", _HUNDREDTH,
        {"The loss fell: the gain is the other way round.": answers.rise},
    ),
    "evaluation.rate": Exercise(
        "table-10-mtbench-pairs", answers.win_rate, "Wins, and half of the ties, in games.", _TENTH,
        {"That counts no ties.": lambda run: answers.first_pair(run, "games-win")},
    ),
    "evaluation.order": Exercise(
        "table-10-mtbench-pairs", answers.disagreement,
        "`consistent` says in how many games both orders agree.", _TENTH,
        {"In so many games the orders agree.": lambda run: answers.first_pair(run, "consistent")},
    ),
    "evaluation.category": Exercise(
        "figure-06-mtbench-categories", answers.worst_category,
        "Look for the dot of the first model that is farthest to the left.",
    ),
}  # fmt: skip
"""{``<notebook>.<name>``: exercise}."""
