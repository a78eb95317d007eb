"""What "One Model To Learn Them All" reports (Kaiser et al. 2017, arXiv 1706.05137)."""

TEXT = ("log_perplexity", "accuracy")

# Table 2: jointly on 8 problems, and singly; log-perplexity and accuracy.
JOINT_AND_SINGLE = {
    "imagenet": {"joint": ("1.7", "66%"), "single": ("1.6", "67%")},
    "wmt_ende": {"joint": ("1.4", "72%"), "single": ("1.4", "71%")},
    "wsj_speech": {"joint": ("4.4", "41%"), "single": ("5.7", "23%")},
    "wsj_parsing": {"joint": ("0.15", "98%"), "single": ("0.2", "97%")},
}
# Table 1: jointly; top-5 accuracy and BLEU in percent.
STATE_OF_THE_ART = {
    ("imagenet", "joint", "top5"): "86",
    ("wmt_ende", "joint", "bleu"): "21.2",
    ("wmt_enfr", "joint", "bleu"): "30.5",
}
# Table 3: log-perplexity, accuracy and full trees of parsing.
PARSING = {
    "alone": ("0.20", "97.1%", "11.7%"),
    "with ImageNet": ("0.16", "97.5%", "12.7%"),
    "with all": ("0.15", "97.9%", "14.5%"),
}
# Table 4: log-perplexity and accuracy.
ABLATION = {
    "imagenet": {
        "all blocks": ("1.6", "67%"),
        "without MoE": ("1.6", "66%"),
        "without attention": ("1.6", "67%"),
    },
    "wmt_enfr": {
        "all blocks": ("1.2", "76%"),
        "without MoE": ("1.3", "74%"),
        "without attention": ("1.4", "72%"),
    },
}
# Problems with small corpora, which gain by the paper; and what others lose at most in table 2, in nats.
SMALL = ("wsj_parsing", "wsj_speech")
LITTLE = 0.1


def cells(problem, headings, figures=TEXT):
    """`{heading: (figure, ...)}` as `Table.paper` has it."""
    return {
        (problem, heading, figure): text
        for heading, texts in headings.items()
        for figure, text in zip(figures, texts, strict=True)
    }
