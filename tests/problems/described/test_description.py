"""What a problems.toml may say, and what is said of one that can't be."""

import pytest

from t2tlite import problem, registry, registry_help
from t2tlite.errors import UserError

GOOD = """
# The first.
[topic]
about = "The topic of a ticket."
inputs = {kind = "text", column = "text"}
targets = {kind = "label"}
metrics = ["top1"]

[answer]
inputs.picture = {kind = "image", column = "path", flip = true, optional = true}
inputs.question = {kind = "text"}
targets = {kind = "text", column = ["first", "second"]}
objective = "likelihood"

[position]
inputs = {kind = "vector", column = ["x", "y"], size = 2}
targets = {kind = "counts", vocabulary = ["a", "b"]}
"""


def test_a_description_is_a_problem(described):
    folder = described(GOOD)
    topic, answer, position = registry.problems("topic,answer,position")
    assert topic.inputs == problem.Text() and topic.targets == problem.Label()
    assert (topic.command, answer.command, topic.metrics) == ("", "to_answer", ("top1",))
    picture = problem.Image(flip=True, optional=True)
    assert answer.features() == {
        "inputs.picture": picture,
        "inputs.question": problem.Text(),
        "targets": problem.Text(),
    }
    assert position.inputs == problem.Vector(2) and position.targets == problem.Counts(("a", "b"))
    assert registry.entry("problem", "topic").place == f"{folder / 'problems.toml'}:3"
    assert registry.entry("problem", "answer").line == 9
    assert "The topic of a ticket." in registry_help.text("topic")


def test_it_may_be_imported_again_and_then_says_what_it_says_now(described):
    described(GOOD)
    described(GOOD.replace("[topic]", "\n[topic]").replace("top1", "top5"))
    assert registry.get_problem("topic").metrics == ("top5",)


def test_the_names_of_others_are_taken(described):
    with pytest.raises(UserError, match="problem `imagenet` is registered twice"):
        described(GOOD.replace("[topic]", "[imagenet]"))


def test_only_what_decides_the_data_is_in_its_version(described):
    versions = []
    for change in (("", ""), ("top1", "top5"), ('column = "text"', 'column = "body"')):
        described(GOOD.replace(*change))
        versions.append(registry.get_problem("topic").data_version)
    assert versions[0] == versions[1] != versions[2]


TEXT = '[one]\ninputs = {kind = "text"}\n'


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("[one\n", "problems.toml: Expected .* line 1"),
        ("one = 1", r"\[one\]: expected a table"),
        ('["One two"]', "expected a table whose name is a problem's"),
        ("[one]\ninput = 1", "there is no `input`; did you mean `inputs`"),
        ("[one]\n", "`inputs` is missing"),
        ('[one]\ninputs = "text"', "`inputs` is 'text'; expected"),
        ('[one]\ninputs = {column = "x"}', "`inputs` has no `kind`; expected one of .*audio"),
        ('[one]\ninputs = {kind = "txt"}', "unknown feature `txt`; did you mean `text`"),
        ('[one]\ninputs = {kind = "text", colum = "x"}', "has no `colum`; expected modality, optional"),
        ('[one]\ninputs = {kind = "vector"}', "`inputs`: missing 1 required .*'size'"),
        ('[one]\ninputs = {kind = "image", column = ["a", "b"]}', "is read from one file"),
        ('[one]\ninputs = {kind = "text", column = []}', "names no column"),
        (TEXT + 'metrics = ["bleau"]', "unknown metric `bleau`; did you mean `bleu`"),
        (TEXT + 'metrics = "bleu"', "`metrics` is 'bleu'; expected a list of strings"),
        (TEXT + 'objective = "contrast"', "unknown objective `contrast`; did you mean `contrastive`"),
        (TEXT + 'files = {dev = "x.csv"}', "`files` has no `dev`; expected train, validation, test"),
        (TEXT + 'files = {test = "x.csv"}', "names none for train"),
        (TEXT + "held_out = 0.1", "`held_out` is 0.1; expected shares by split"),
        (TEXT + "labels = ['a']", "`labels` are given, but neither inputs nor targets have classes"),
        (TEXT + "hf = 3", "`hf` is 3; expected the path or the name"),
        (TEXT + "hf = {config = 'x'}", "`hf.path` is None; expected a string"),
        (TEXT + "held_out = {validation = 3}", "held_out.validation is 3; expected a share"),
        (TEXT + "held_out = {validation = 0.5, test = 0.5}", "leaves nothing for train"),
        (TEXT + 'files = {train="a.csv", test="b.csv"}\nheld_out = {test=0.1}', "both say what test is"),
        ('[one]\ninputs.a = {kind = "text", optional = true}', "one must not be optional"),
    ],
)
def test_a_description_that_cannot_be(described, toml, message):
    with pytest.raises(UserError, match=message) as raised:
        described(toml)
    assert "problems.toml: " in str(raised.value)
