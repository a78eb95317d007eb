"""Registering, finding and describing names."""

import functools
import importlib
import re
import sys
import textwrap

import pytest

from t2tlite import discovery, registry, registry_help
from t2tlite.errors import UserError
from t2tlite.problem import Problem


@pytest.fixture
def new_registry(monkeypatch):
    """A registry that the decorators use in place of the default one, and modules forgotten afterwards."""
    new_registry = registry.Registry()
    for kind in registry.KINDS:
        monkeypatch.setattr(registry, f"register_{kind}", functools.partial(new_registry.register, kind))
    for name in ("get", "names", "entry", "get_problem", "problems"):
        monkeypatch.setattr(registry, name, getattr(new_registry, name))
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield new_registry
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.fixture
def empty():
    """A registry that scans nothing."""
    return registry.Registry(scan=lambda: ())


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))
    importlib.invalidate_caches()
    return path


def plugin(folder, name="acme", **files):
    """An installed package with an entry point for itself, and its modules."""
    info = folder / f"{name}-1.0.dist-info"
    write(info / "METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    write(info / "entry_points.txt", f"[t2tlite.plugins]\n{name} = {name}\n")
    for file, text in ({"__init__": ""} | files).items():
        write(folder / name / f"{file}.py", text)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("PoliteEnglish", "polite_english"),
        ("WmtEnde", "wmt_ende"),
        ("HTTPServer2", "http_server2"),
        ("top_k", "top_k"),
        ("B", "b"),
    ],
)
def test_snake_case(name, expected):
    assert discovery.snake_case(name) == expected


def test_every_form_of_the_decorator_returns_the_thing(empty):
    register = functools.partial(empty.register, "encoder")

    @register
    class WideBody: ...

    @register("narrow")
    class NarrowBody: ...

    @register(name="other")
    def body(): ...

    @register()
    def derived(): ...

    assert empty.names("encoder") == ["derived", "narrow", "other", "wide_body"]
    assert empty.get("encoder", "wide_body") is WideBody
    assert empty.get("encoder", "narrow") is NarrowBody
    assert empty.get("encoder", "other") is body
    assert empty.get("encoder", "derived") is derived


def test_only_problems_get_a_name(empty):
    class Thing: ...

    empty.register("modality", Thing)
    assert not hasattr(Thing, "name")
    empty.register("problem", Thing)
    assert Thing.name == "thing"


def test_one_class_under_two_names(empty):
    empty.register("problem", "first")(Problem)
    empty.register("problem", "second")(Problem)
    try:
        assert empty.get_problem("first").name == "first"
        assert empty.get_problem("second").name == "second"
    finally:
        Problem.name = ""


def test_entry_says_where_and_what(empty):
    @empty.register("metric")  # this line
    def edit_distance():
        """How far apart.

        In edits.
        """

    entry = empty.entry("metric", "edit_distance")
    line = next(n for n, text in enumerate(open(__file__), 1) if text.rstrip().endswith("# this line"))
    assert (entry.file, entry.line, entry.module) == (__file__, line, __name__)
    assert entry.summary == "How far apart."
    assert entry.doc == "How far apart.\n\nIn edits."


def test_unknown_name_suggests_the_nearest(empty):
    for name in ("wmt_ende", "wmt_enfr", "imagenet"):
        empty.register("problem", name)(type(name, (), {}))
    with pytest.raises(UserError, match=r"problem `wmt_enda`; did you mean `wmt_ende`.*--t2t_usr_dir"):
        empty.get("problem", "wmt_enda")
    with pytest.raises(UserError, match="there is imagenet, wmt_ende, wmt_enfr"):
        empty.get("problem", "qqqq")
    with pytest.raises(UserError, match="none is registered"):
        empty.get("mixer", "x")
    with pytest.raises(UserError, match="unknown kind `problm`; did you mean `problem`"):
        empty.get("problm", "x")


def test_duplicate_shows_both_places(empty):
    def first(): ...

    def second(): ...

    empty.register("decoder", "same")(first)
    with pytest.raises(UserError, match=r"`same` is registered twice") as caught:
        empty.register("decoder", "same")(second)
    places = [word for word in str(caught.value).replace(";", " ").split() if word.startswith(__file__)]
    assert len(set(places)) == 2
    assert empty.get("decoder", "same") is first


def test_same_name_of_another_kind(empty):
    def small(): ...

    empty.register("encoder", small)
    empty.register("decoder", small)
    assert empty.get("encoder", "small") is empty.get("decoder", "small")


def test_error_in_a_constructor_passes_through(empty):
    @functools.partial(empty.register, "problem")
    class Broken:
        def __init__(self):
            raise KeyError("broken")

    with pytest.raises(KeyError, match="broken"):
        empty.get_problem("broken")


def test_problems_by_list(empty):
    for name in ("a", "b"):
        empty.register("problem", name)(type(name, (), {}))
    assert [problem.name for problem in empty.problems(" b, a")] == ["b", "a"]
    assert [problem.name for problem in empty.problems(["a"])] == ["a"]
    with pytest.raises(UserError, match="`a` is given more than once"):
        empty.problems("a,b,a")
    with pytest.raises(UserError, match="no problem given"):
        empty.problems(" ,")
    with pytest.raises(UserError, match="unknown problem `c`"):
        empty.problems("a,c")


def test_all_means_the_eight_in_the_order_of_the_paper():
    rows = [problem.paper_row for problem in registry.problems("all")]
    assert rows == list(range(1, 9))


def test_all_leaves_out_those_that_the_paper_has_not():
    places = [
        ("a_problem", "t2tlite.problem", "Problem"),
        ("b_problem", "elsewhere.problem", "Problem"),
        ("c_problem", "t2tlite.problems.imagenet", "Imagenet"),
        ("e_problem", "t2tlite.problems.speech", "WsjSpeech"),
    ]
    entries = [
        discovery.Entry("problem", name, module, "file", line, attribute)
        for line, (name, module, attribute) in enumerate(places)
    ]
    problems = registry.Registry(scan=lambda: entries).problems("all")
    assert [problem.name for problem in problems] == ["e_problem", "c_problem"]


def test_what_no_file_holds_can_be_run_again(empty):
    """Such as text given to `exec`: the same line of it is the same place."""
    code = compile("@register('encoder')\ndef body(): ...\n", "<typed>", "exec")
    for _ in range(2):
        namespace = {"__name__": "typed", "register": empty.register}
        exec(code, namespace)
        assert empty.get("encoder", "body") is namespace["body"]
    other = compile("\n@register('encoder')\ndef body(): ...\n", "<typed>", "exec")
    with pytest.raises(UserError, match="`body` is registered twice: at <typed>:1 and at <typed>:2"):
        exec(other, {"__name__": "typed", "register": empty.register})


def test_everything_built_in_can_be_had():
    for kind in registry.KINDS:
        for name in registry.names(kind):
            entry = registry.entry(kind, name)
            assert registry.get(kind, name).__name__ == entry.attribute, entry
            assert entry.summary, f"{kind} {name} has no docstring"


class TestPlugin:
    SOURCE = """
        import acme_is_imported
        from t2tlite import registry
        from t2tlite.problem import Problem

        @registry.register_problem
        class AcmeTickets(Problem):
            '''Tickets to answers.'''

        @registry.register_problem(
            name="acme_calls"
        )
        class Calls(AcmeTickets): pass

        @registry.register_hparams("acme_tiny")
        def tiny(): pass
    """

    def test_is_listed_without_import_and_imported_on_get(self, new_registry, tmp_path):
        plugin(tmp_path, **{"deep/__init__": "", "deep/tickets": self.SOURCE})
        assert "acme_tickets" in new_registry.names("problem")
        assert new_registry.names("hparams").count("acme_tiny") == 1
        entry = new_registry.entry("problem", "acme_tickets")
        assert entry.summary == "Tickets to answers."
        assert entry.place == f"{tmp_path / 'acme' / 'deep' / 'tickets.py'}:6"
        assert not any(name.startswith("acme") for name in sys.modules)
        with pytest.raises(ModuleNotFoundError, match="acme_is_imported"):
            new_registry.get("problem", "acme_tickets")
        write(tmp_path / "acme_is_imported.py", "")
        assert new_registry.get("problem", "acme_tickets").__module__ == "acme.deep.tickets"
        assert new_registry.get_problem("acme_calls").name == "acme_calls"
        assert new_registry.entry("problem", "acme_calls").line == 10

    def test_registry_of_ones_own_takes_things_from_their_module(self, new_registry, tmp_path):
        plugin(tmp_path, tickets=self.SOURCE)
        write(tmp_path / "acme_is_imported.py", "")
        other = registry.Registry()
        assert other.get("problem", "acme_tickets") is new_registry.get("problem", "acme_tickets")

    def test_edited_module_reloaded(self, new_registry, tmp_path):
        plugin(tmp_path, tickets=self.SOURCE)
        write(tmp_path / "acme_is_imported.py", "")
        first = new_registry.get("problem", "acme_tickets")
        write(tmp_path / "acme" / "tickets.py", "# One line more.\n" + textwrap.dedent(self.SOURCE))
        again = importlib.reload(sys.modules["acme.tickets"])
        assert new_registry.get("problem", "acme_tickets") is again.AcmeTickets is not first
        assert new_registry.entry("problem", "acme_tickets").line == 7  # where it stands now

    def test_name_taken_by_a_built_in(self, new_registry, tmp_path):
        source = "from t2tlite import registry\n@registry.register_problem\nclass Imagenet: pass\n"
        plugin(tmp_path, mine=source)
        with pytest.raises(UserError, match="`imagenet` is registered twice") as caught:
            new_registry.names("problem")
        assert f"{tmp_path / 'acme' / 'mine.py'}:2" in str(caught.value)
        with pytest.raises(UserError, match="registered twice"):
            new_registry.names("problem")

    def test_what_can_not_be_imported_is_not_read(self, new_registry, tmp_path):
        source = "@register_moe\ndef {}(): pass\n"
        names = ("data-files/one", "my-script", "__pycache__/two", "deep/good")
        plugin(tmp_path, **{name: source.format(name.rpartition("/")[2].replace("-", "_")) for name in names})
        entries = [new_registry.entry("moe", name) for name in new_registry.names("moe")]
        assert [entry.name for entry in entries if entry.module.startswith("acme")] == ["good"]

    def test_two_definitions_in_one_file(self, new_registry, tmp_path):
        source = "@register_moe\ndef same(): pass\n\n@register_moe\ndef same(): pass\n"
        plugin(tmp_path, mine=source)
        with pytest.raises(UserError, match=r"mine.py:1 and at .*mine.py:4"):
            new_registry.names("moe")

    def test_file_that_does_not_parse(self, new_registry, tmp_path):
        plugin(tmp_path, mine="@register_moe\ndef broken(:\n")
        with pytest.raises(UserError, match=r"mine.py:2: SyntaxError"):
            new_registry.names("moe")

    def test_computed_name_is_refused(self, new_registry, tmp_path):
        plugin(tmp_path, mine="@registry.register_moe('a' + 'b')\ndef f(): pass\n")
        with pytest.raises(UserError, match=r"mine.py:1: the name given to `register_moe` must be a literal"):
            new_registry.names("moe")

    def test_missing_package(self, new_registry, tmp_path):
        plugin(tmp_path)
        (tmp_path / "acme" / "__init__.py").unlink()
        (tmp_path / "acme").rmdir()
        importlib.invalidate_caches()
        with pytest.raises(UserError, match="entry point `acme`.*`acme`, which is not there"):
            new_registry.names("moe")


class TestUserFolder:
    PROBLEM = "from t2tlite import registry\n@registry.register_problem\nclass {name}: '''Mine.'''\n"

    def test_files_that_import_one_another(self, new_registry, tmp_path):
        write(tmp_path / "my_words.py", "WORDS = 3\n")
        write(tmp_path / "my_problem.py", "import my_words\n" + self.PROBLEM.format(name="MyProblem"))
        write(tmp_path / "test_mine.py", "raise AssertionError('a test was imported')\n")
        registry.import_usr_dir(str(tmp_path))
        thing = new_registry.get("problem", "my_problem")
        registry.import_usr_dir(f"{tmp_path}/")
        assert new_registry.get("problem", "my_problem") is thing

    def test_package(self, new_registry, tmp_path):
        folder = tmp_path / "my-package"
        write(folder / "__init__.py", "from . import first\n")
        write(folder / "first.py", self.PROBLEM.format(name="First"))
        write(folder / "second.py", "from .first import First\n" + self.PROBLEM.format(name="Second"))
        registry.import_usr_dir(str(folder))
        assert new_registry.get("problem", "first").__module__ == "my_package.first"
        assert new_registry.entry("problem", "second").line == 3
        assert str(tmp_path) not in sys.path

    def test_two_files_with_one_name(self, new_registry, tmp_path):
        write(tmp_path / "mine_a.py", self.PROBLEM.format(name="Same"))
        write(tmp_path / "mine_b.py", self.PROBLEM.format(name="Same"))
        with pytest.raises(UserError, match=r"mine_a.py:2 and at .*mine_b.py:2"):
            registry.import_usr_dir(str(tmp_path))

    def test_one_file_with_two_of_a_name(self, new_registry, tmp_path):
        both = self.PROBLEM.format(name="Same") + self.PROBLEM.format(name="Same")
        write(tmp_path / "mine_both.py", both)
        with pytest.raises(UserError, match=r"mine_both.py:2 and at .*mine_both.py:5"):
            registry.import_usr_dir(str(tmp_path))

    def test_syntax_error(self, new_registry, tmp_path):
        write(tmp_path / "mine_bad.py", "x = 1\ndef f(:\n")
        with pytest.raises(UserError, match=r"mine_bad\.py:2: SyntaxError: invalid syntax"):
            registry.import_usr_dir(str(tmp_path))

    def test_error_at_import_names_the_users_line(self, new_registry, tmp_path):
        write(tmp_path / "mine_bad.py", "import json\n\njson.loads('{')\n")
        with pytest.raises(UserError, match=r"mine_bad\.py:3: JSONDecodeError"):
            registry.import_usr_dir(str(tmp_path))

    def test_script_that_exits(self, new_registry, tmp_path):
        write(tmp_path / "mine_script.py", "import sys\nsys.exit(3)\n")
        with pytest.raises(UserError, match=r"mine_script\.py:2: SystemExit: 3"):
            registry.import_usr_dir(str(tmp_path))

    def test_file_with_the_name_of_another_module(self, new_registry, tmp_path):
        write(tmp_path / "json.py", "")
        with pytest.raises(UserError, match=r"json.py: its module name `json` is taken by .*rename"):
            registry.import_usr_dir(str(tmp_path))

    def test_file_that_cannot_be_a_module(self, new_registry, tmp_path):
        write(tmp_path / "my-problem.py", "")
        with pytest.raises(UserError, match="my-problem.py: the file must be named like a Python module"):
            registry.import_usr_dir(str(tmp_path))

    def test_missing_or_empty_folder(self, tmp_path):
        with pytest.raises(UserError, match="does not exist"):
            registry.import_usr_dir(str(tmp_path / "none"))
        with pytest.raises(UserError, match="is not a folder"):
            registry.import_usr_dir(str(write(tmp_path / "file.py", "")))
        (tmp_path / "empty").mkdir()
        with pytest.raises(UserError, match="holds no .py file or problems.toml"):
            registry.import_usr_dir(str(tmp_path / "empty"))

    def test_files_that_are_no_modules_come_after_those_that_are(self, new_registry, tmp_path):
        write(
            tmp_path / "mine_files.py",
            """
            from t2tlite import registry

            READ = []

            @registry.register_user_file("mine.txt")
            def read(file):
                READ.append(file)
            """,
        )
        write(tmp_path / "mine.txt", "")
        registry.import_usr_dir(str(tmp_path))
        assert sys.modules["mine_files"].READ == [str(tmp_path / "mine.txt")]


class TestHelp:
    def test_everything(self):
        text = registry_help.text("all")
        for kind in registry.KINDS:
            for name in registry.names(kind):
                assert f"  {name} " in text + " "

    def test_kind_in_singular_or_plural(self):
        assert registry_help.text("problem") == registry_help.text("problems")
        assert registry_help.text("hparams").startswith("hparams sets:\n")

    def test_problem(self):
        name = registry.names("problem")[0]
        text = registry_help.text(name)
        entry = registry.entry("problem", name)
        assert entry.place in text and entry.summary in text
        assert registry.get_problem(name).command in text

    def test_a_class_has_no_command(self):
        assert "  command  none\n" in registry_help.text("imagenet")

    def test_hparams_values_are_those_that_overrides_take(self):
        name = registry.names("hparams")[0]
        rows = [re.split(" {2,}", line.strip()) for line in registry_help.text(name).splitlines()]
        lines = {row[0]: row[1] if len(row) == 3 else "" for row in rows}  # an empty list is nothing
        from t2tlite import hparam

        hparams = hparam.get(name)
        shown = ",".join(f"{field}={lines[field]}" for field in hparam.to_json(hparams))
        assert hparam.get(name, shown) == hparams

    def test_name_of_several_kinds(self):
        text = registry_help.text("multimodel")
        assert "encoder multimodel" in text and "decoder multimodel" in text

    def test_unknown(self):
        with pytest.raises(UserError, match="name `problm` is registered; did you mean `problem`"):
            registry_help.text("problm")
