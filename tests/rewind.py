"""A run as it would be, had it been killed."""

import shutil

from t2tlite.checkpoints import CHECKPOINTS, checkpoint


def killed_after(step, run, folder):
    """Copies a run to a new folder, without the checkpoints after that of a step; returns the folder.

    Its log goes on beyond the checkpoint, as that of a killed process does.
    """
    shutil.copytree(run, folder, symlinks=True)
    for path in checkpoint.all_in(folder / CHECKPOINTS):
        if path.name > f"step-{step:08d}":
            shutil.rmtree(path)
    assert checkpoint.newest(folder / CHECKPOINTS).name == f"step-{step:08d}"
    return folder
