"""t2t-serve: a trained model over HTTP, as a JSON API and a page."""

import importlib.util
import os
import pathlib
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from absl.flags import FlagValues

from t2tlite import cli, quiet
from t2tlite.decoding.options import DecodeOptions
from t2tlite.errors import UserError
from t2tlite.run import read_description

if TYPE_CHECKING:
    from t2tlite.decoding.predictor import Predictor

COMMAND = cli.Command(
    "t2t-serve",
    "Serves the model of a training run over HTTP: a page to try it on text, pictures and sounds, and the "
    "JSON API behind it (POST /api/predict/PROBLEM). Only this machine can reach it, unless --host says "
    "otherwise.",
    examples=[
        ("the page is at http://127.0.0.1:8000", "t2t-serve --output_dir=run"),
        (
            "by another program",
            """curl -d '{"inputs": ["hello"]}' -H 'Content-Type: application/json' """
            "127.0.0.1:8000/api/predict/wmt_ende",
        ),
    ],
)
COMMAND.group("The model")
COMMAND.string("output_dir", None, "folder of the training run", required=True)
COMMAND.string("checkpoint_path", None, "one of its checkpoints; the newest where this is not given")
COMMAND.string(
    "decode_hparams",
    "",
    "how to decode where a request doesn't say, such as beam_size=4,alpha=0.6; batch_size is the most inputs"
    " of several requests that are decoded together",
    may_be_empty=True,
)
COMMAND.group("Where")
COMMAND.string("host", "127.0.0.1", "address to listen at; 0.0.0.0 for all networks: there is no password")
COMMAND.integer("port", 8000, "port to listen at; 0 for any that is free", at_least=0)
COMMAND.string("allowed_hosts", None, "names to answer to besides its own, as of a proxy in front of it")
COMMAND.group("Limits")
COMMAND.number("max_request_mb", 10.0, "most megabytes (2**20 bytes) of a request", at_least=0.001)
COMMAND.number("timeout_seconds", 60.0, "how long a request may take", at_least=0.01)
COMMAND.integer("max_waiting", 64, "most requests at once; further ones are told to come later", at_least=1)


def serve(flags: FlagValues) -> None:
    """Checks what can be wrong before TensorFlow is started, then serves until a signal."""
    if importlib.util.find_spec("aiohttp") is None:
        raise UserError("t2t-serve needs aiohttp, which is not installed; run: pip install 't2tlite[serve]'")
    options = DecodeOptions.parse(flags.decode_hparams)
    if flags.port > 65535:
        raise UserError(f"--port={flags.port} is not a port; expected 0 to 65535")
    read_description(pathlib.Path(flags.output_dir))
    from t2tlite.serving.server import serve
    from t2tlite.serving.service import Limits

    def load() -> "Predictor":
        quiet.start_tensorflow()
        from t2tlite.decoding.predictor import Predictor

        return Predictor.load(flags.output_dir, flags.checkpoint_path, options)

    limits = Limits(int(flags.max_request_mb * (1 << 20)), flags.timeout_seconds, flags.max_waiting)
    names = [name for name in map(str.strip, (flags.allowed_hosts or "").split(",")) if name]
    title = pathlib.Path(flags.output_dir).resolve().name
    at_rest = serve(load, flags.host, flags.port, limits, names, title, options.batch_size)
    if not at_rest:  # Python would wait at its end for a decoding that nobody wants any more
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(cli.SUCCESS)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status; `argv` is without the program's name."""
    return COMMAND.main(serve, argv)


if __name__ == "__main__":
    sys.exit(main())
