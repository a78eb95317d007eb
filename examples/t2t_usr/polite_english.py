"""Blunt English to polite English: a problem that writes its own sentences, so it needs no data."""

import itertools
import zlib

from t2tlite import problem, registry

REQUESTS = {
    "gimme {}": "could I have {}, please?",
    "I want {}": "I would like {}, please.",
    "where's {}": "could you tell me where {} is, please?",
    "what does {} cost": "could you tell me what {} costs, please?",
    "get rid of {}": "would you mind getting rid of {}?",
    "don't touch {}": "I would rather you didn't touch {}.",
}
WHOSE = "the my your that this his her our".split()
LIKE = "red blue old new big small cold broken empty heavy".split()
THINGS = "cup book key lamp chair map coat bag phone bicycle letter hammer ticket radio pan box".split()


@registry.register_problem
class PoliteEnglish(problem.Problem):
    """A blunt English sentence to a polite one."""

    inputs = problem.Text()
    targets = problem.Text()
    command = "to_polite"
    metrics = ("bleu",)

    def examples(self, split, source):
        for blunt, *words in itertools.product(REQUESTS, WHOSE, LIKE, THINGS):
            inputs = blunt.format(" ".join(words))
            draw = zlib.crc32(inputs.encode()) % 20  # decides the split, so that no sentence is in two
            if split == {0: "validation", 1: "test"}.get(draw, "train"):
                yield {"inputs": inputs, "targets": REQUESTS[blunt].format(" ".join(words))}
