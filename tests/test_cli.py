"""What the commands share: flags, help, errors, exit statuses."""

import errno
import importlib
import os
import pathlib
import subprocess
import sys
import tomllib

import pytest

from t2tlite import cli
from t2tlite.errors import UserError

ROOT = pathlib.Path(__file__).parents[1]
SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]


@pytest.fixture
def command():
    command = cli.Command("t2t-try", "Tries things.", examples=[("the usual", "t2t-try --problems=all")])
    command.group("What")
    command.string("problems", None, "names separated by commas", required=True)
    command.string("hparams", "", "changes", may_be_empty=True)
    command.choice("source", "sample", ("sample", "files"), "where from")
    command.group("How")
    command.integer("train_steps", 1000, "how many updates", at_least=1)
    command.number("rate", 0.5, "how fast")
    command.boolean("generate_data", False, "prepare what is missing")
    command.strings("gin_file", "a gin file")
    return command


def run(command, argv, capsys, body=lambda flags: None):
    status = command.main(body, argv)
    return status, *capsys.readouterr()


def test_values(command):
    text = "--problems=a,b --train_steps 5 --generate_data --gin_file=x --gin_file=y --rate=2"
    flags = command.parse(text.split())
    assert (flags.problems, flags.train_steps, flags.generate_data) == ("a,b", 5, True)
    assert (flags.gin_file, flags.rate, flags.source, flags.hparams) == (["x", "y"], 2.0, "sample", "")
    assert command.parse(["--nogenerate_data"]).generate_data is False
    assert command.parse(["--hparams="]).hparams == ""


def test_parses_do_not_share_values(command):
    assert command.parse(["--gin_file=x"]).gin_file == ["x"]
    assert command.parse([]).gin_file == []


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--problms=a", "unknown flag --problms; did you mean `--problems`"),
        ("--nogenerat_data", "did you mean `--nogenerate_data`"),
        ("--zzz", "unknown flag --zzz (t2t-try --help lists the flags)"),
        ("--train_steps=many", "--train_steps=many is not a value of it; expected an integer, 1 or more"),
        ("--train_steps=0", "--train_steps=0 is not a value of it; expected an integer, 1 or more"),
        ("--rate=x", "expected a number"),
        ("--generate_data=maybe", "expected true or false"),
        ("--source=file", "--source=file is not a value of it; expected one of sample, files"),
        ("--problems=", "--problems is empty; expected names separated by commas"),
        ("--problems", "--problems has no value; expected names separated by commas"),
        ("--problems --source=files", "--problems has no value: `--source=files` follows it"),
        ("--problems=a b", "unexpected argument `b`; every argument is a flag"),
        ("b --problems=a", "unexpected argument `b`"),
        ("--source=files", "--problems is missing"),
        ("--t2t_usr_dir=/no/such/folder --problems=a", "/no/such/folder does not exist"),
        ("--registry_help=zzzz", "nothing of the name `zzzz`"),
        ("--registry_help=", "--registry_help is empty"),
    ],
)
def test_refused_in_one_line(command, argument, message, capsys):
    def body(flags):
        raise AssertionError("the command ran")

    status, out, err = run(command, argument.split(), capsys, body)
    assert status == 2
    assert err.startswith("t2t-try: error: ") and message in err
    assert err.count("\n") == 1 and err.endswith("\n") and out == ""


class TestStatus:
    def raising(self, error):
        def body(flags):
            raise error

        return body

    def test_success(self, command, capsys):
        assert run(command, ["--problems=a"], capsys, lambda flags: print(flags.problems)) == (0, "a\n", "")
        assert run(command, ["--problems=a"], capsys, lambda flags: 3)[0] == 3

    def test_users_error_is_one_line(self, command, capsys):
        body = self.raising(UserError("first\n  second"))
        assert run(command, ["--problems=a"], capsys, body) == (2, "", "t2t-try: error: first second\n")

    def test_users_disk(self, command, capsys, tmp_path):
        def body(flags):
            (tmp_path / "file").write_text("")
            (tmp_path / "file" / "below").write_text("")

        status, _, err = run(command, ["--problems=a"], capsys, body)
        assert status == 2 and "Traceback" not in err and "below" in err

    @pytest.mark.parametrize(
        "name", ["EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "ENOTDIR", "EISDIR", "ENAMETOOLONG"]
    )
    def test_what_the_disk_refuses_is_no_fault_of_ours(self, command, capsys, name):
        error = OSError(getattr(errno, name), "refused", "here/file")
        status, _, err = run(command, ["--problems=a"], capsys, self.raising(error))
        assert status == 2 and err == f"t2t-try: error: {error}\n"

    def test_our_fault_has_a_traceback(self, command, capsys):
        status, _, err = run(command, ["--problems=a"], capsys, self.raising(ValueError("oops")))
        assert status == 1 and "Traceback" in err and "oops" in err
        assert run(command, ["--problems=a"], capsys, self.raising(FileNotFoundError("gone")))[0] == 1

    def test_interrupted(self, command, capsys):
        body = self.raising(KeyboardInterrupt())
        assert run(command, ["--problems=a"], capsys, body) == (130, "", "t2t-try: interrupted\n")


class TestHelp:
    @pytest.mark.parametrize("argv", [["--help"], ["-h"], ["--problems", "--help"], ["--zzz", "--help"]])
    def test_is_shown_whatever_else_is_given(self, command, argv, capsys):
        status, out, err = run(command, argv, capsys)
        assert (status, err) == (0, "")
        assert "usage: t2t-try --problems=... [flags]" in out

    def test_teaches(self, command, capsys):
        out = run(command, ["--help"], capsys)[1]
        assert "Tries things." in out and "# the usual\n  t2t-try --problems=all" in out
        assert "(default: 1000)" in out and "--source=sample|files" in out and "(required)" in out
        places = [out.index(text) for text in ("What:", "  --problems=", "How:", "--train_steps=N")]
        assert places == sorted(places)
        assert max(len(line) for line in out.splitlines()) <= 100
        for flag in command.flags():
            assert flag.name in out

    def test_version(self, command, capsys):
        assert run(command, ["--version"], capsys)[1].startswith("t2t-try (t2tlite) 0.")

    @pytest.mark.parametrize("argv", [["--registry_help=problem"], ["--registry_help", "problem"]])
    def test_registry_help(self, command, argv, capsys):
        status, out, _ = run(command, argv, capsys)
        assert status == 0 and out.startswith("problems:\n") and "hparams" not in out

    @pytest.mark.parametrize("argv", [["--registry_help"], ["--registry_help", "--source=files"]])
    def test_registry_help_of_everything(self, command, argv, capsys):
        status, out, _ = run(command, argv, capsys)
        assert status == 0 and "problems:\n" in out and "hparams sets:\n" in out


def test_user_folder_is_imported_first(command, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "mine_for_cli.py").write_text("print('imported')\n")
    argv = ["--problems=a", f"--t2t_usr_dir={tmp_path}"]
    assert run(command, argv, capsys, lambda flags: print("ran"))[:2] == (0, "imported\nran\n")


def test_reader_that_goes_away():
    program = """if True:
        import sys
        from t2tlite import cli
        command = cli.Command("t2t-try", "Tries things.")
        sys.exit(command.main(lambda flags: [print("line") for _ in range(100000)] and 0, []))
    """
    read, write = os.pipe()
    process = subprocess.Popen([sys.executable, "-P", "-c", program], stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    os.read(read, 10)
    os.close(read)
    assert (process.communicate()[1], process.returncode) == (b"", 141)


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_command_ends_alike(name):
    """Installed, with `python -m`, and called from Python: each is its `main`."""
    module, _, function = SCRIPTS[name].partition(":")
    assert function == "main"
    assert importlib.import_module(module).COMMAND.name == name
    source = (ROOT / "bin" / f"{module.rpartition('.')[2]}.py").read_text()
    assert source.endswith('\n\n\nif __name__ == "__main__":\n    sys.exit(main())\n')


def test_a_word_without_a_name(capsys):
    command = cli.Command("t2t-try", "Tries things.")
    command.word("experiment", "which one")
    command.string("problems", None, "names")
    assert command.parse(["one", "--problems=a"]).experiment == "one"
    assert command.parse(["--problems=a", "one"]).experiment == "one"
    status, out, err = run(command, ["--problems=a"], capsys)
    assert status == 2 and "EXPERIMENT is missing (which one)" in err
    status, out, err = run(command, ["one", "two"], capsys)
    assert status == 2 and "unexpected argument `two`" in err
    assert "usage: t2t-try EXPERIMENT [flags]" in run(command, ["--help"], capsys)[1]
