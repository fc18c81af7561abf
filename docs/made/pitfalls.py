"""What a measure or a null is easily read wrong for, where its object does not say so itself."""

from __future__ import annotations

OF_MEASURES: dict[str, tuple[str, ...]] = {
    "competence": (
        "The weaker of two things counts: a network that knows the task and does not need the group is as "
        "incompetent here as one that knows nothing. The report shows both, `above_chance` and `lesion_damage`.",
        "A guess chooses evenly among the targets that occur. Where some are far more frequent than others, "
        "a network that knows no more than their frequencies is better than that: declare `options.chance`. "
        "Where targets are whole sequences no guess is known, and it must be declared.",
        "It is a premise and no evidence of a module: a lesion that costs something does not say what else "
        "carries the task.",
        "The lesion must fit the network: mean ablation adds activity behind a closed gate. Ablate to zero there.",
    ),
    "top_head_impact": (
        "The top head is chosen on the selection split and measured on the other, for the group and for every "
        "random group alike: another group's top head may be another head.",
        "It compares groups, not heads: a large impact may belong to a head that matters as much to the whole "
        "layer. One or two layers of a few heads are too few units for a test over heads.",
        "Heads are ablated one at a time, so that heads which stand in for each other look unimportant; the "
        "report's `layer_impact` is of all heads of the layer at once.",
    ),
    "top_head_share": (
        "With H heads that contribute alike the share is about 1/H (`share_of_equal_heads` in the report). Only a "
        "declared share well above that asks for one head; a share above it by a little is what any layer shows.",
        "That one head does less than all of its layer is nearly always true and shows nothing; that the top head "
        "does more than a random one, neither.",
        "It is a share of squared changes, and those of single heads need not add up to that of the layer: where "
        "heads cancel each other, one of them can have more than all.",
    ),
}
OF_NULLS: dict[str, tuple[str, ...]] = {
    "size_matched": (
        "Random groups are seldom as loud or as influential as a group that was selected for influence. What sets "
        "such a group apart from them may belong to influential neurons as such, and not to the first condition: "
        "`local_matched` asks that.",
    ),
    "local_matched": (
        "Two conditions cannot tell what follows the first from influence as such to which the second adds some of "
        "its own; a third could.",
        "Only members that have neighbours outside the group change places, so that every draw keeps some of the "
        "group. The report says how many can move and what share a draw keeps; margins are narrowed by it.",
    ),
}
