"""Short runs of t2t-train on very small models, and what they leave."""

import json

from t2tlite import registry
from t2tlite.bin import t2t_train
from t2tlite.training import log

EIGHT = [problem.name for problem in registry.problems("all")]


# Dropout and the experts' noise are on, so that a run goes on exactly only if its seeds do.
SMALL = (
    "hidden_size=16,filter_size=8,num_heads=2,num_encoder_layers=1,num_mixer_layers=1,num_decoder_layers=1,dropout=0.1,moe_num_experts=4,"
    "moe_k=2,vocabulary_size=600,image_size=32,image_widths=4;6;8;8,audio_blocks=1,"
    "audio_strided_blocks=1,audio_least_width=4,audio_num_mel_bins=8,batch_tokens=64,batch_images=2,batch_seconds=4"
)


def flags(folder, data_dir, problems, steps, hparams=SMALL, **more):
    """The arguments of a command; `more` are further flags, or others than these."""
    flag_values = {
        "problems": problems,
        "source": "sample",
        "hparams_set": "multimodel_tiny",
        "hparams": hparams,
        "data_dir": data_dir,
        "output_dir": folder,
        "train_steps": steps,
        "save_checkpoints_steps": 3,
        "log_steps": 1,
        "local_eval_frequency": 0,
        "eval_steps": 1,
        "dry_run": False,  # it has tests of its own
        **more,
    }
    return [f"--{name}={value}" for name, value in flag_values.items()]


def train(*args, **more):
    return t2t_train.main(flags(*args, **more))


def metrics_lines(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def checkpoints(folder, name="checkpoints"):
    names = sorted(path.name for path in (folder / name).glob("*"))
    return [path for path in names if path != "best"]


def fault_at(patch, step):
    """Makes a run die at the end of an update, after which nothing more reaches the disk."""
    write = log.MetricsLog.write

    def dying(self, at, *args):
        if at == step:
            raise RuntimeError("the machine is gone")
        write(self, at, *args)

    patch.setattr(log.MetricsLog, "write", dying)
