"""WSJ speech (WSJ0 and WSJ1): transcripts of read English."""

import pathlib

from t2tlite import problem, registry
from t2tlite.errors import UserError
from t2tlite.problems.formats import sphere

_FOLDERS = {
    "train": ("train_si284", "train"),
    "validation": ("test_dev93", "dev", "validation"),
    "test": ("test_eval92", "test"),
}
_EXPECTED = (
    "by --source_dir a folder with Kaldi data folders (train_si284, test_dev93, test_eval92, with wav.scp "
    "and text) or with LDC's discs of WSJ0 and WSJ1 (wsj0/..., wsj1/...; "
    "https://catalog.ldc.upenn.edu/LDC93S6A and LDC94S13A)"
)


@registry.register_problem
class WsjSpeech(problem.Problem):
    """Speech to its transcript, WSJ."""

    inputs = problem.Audio(sphere.open_content)
    targets = problem.Text()
    command = "to_transcript"
    metrics = ("wer", "cer")
    sources = ("files", "sample")
    paper_row = 1

    def examples_from_files(self, split, source_dir):
        """Waveforms at 16 kHz with their transcripts, in lower case and without marks of noises.

        `source_dir` holds either of two layouts.

        Data folders of Kaldi's, in `source_dir` or in its folder `data`: `train_si284` or `train`;
        `test_dev93`, `dev` or `validation`; `test_eval92` or `test`. In each:

        * `wav.scp`: "recording path" a line, or one of Kaldi's usual commands, as in "recording sph2pipe -f
          wav PATH |" (also `flac`, `cat`, `ffmpeg`, `sox`): it is not run, its file is read. Relative paths
          are looked for in the data folder, in `source_dir`, and in the folder that `source_dir` is in.
        * `text`: "utterance words" a line.
        * `segments`, where recordings hold several utterances: "utterance recording start end" a line, in
          seconds; an end of -1 is that of the recording.

        LDC's discs of WSJ0 (LDC93S6) and WSJ1 (LDC94S13) as folders, at any depth and with any names and
        case, with what is on them unchanged: `wsj0/...` and `wsj1/...` with sounds (.wv1, or .wav or .flac of
        the same names), transcripts (.dot, .lsn or .ptx) and the lists in `doc/indices`. Train is si284
        (`tr_s_wv1.ndx` and `si_tr_s.ndx`), validation dev93 (WSJ1's `h1_p0.ndx`), test eval92
        (`si_et_20.ndx`).

        Sounds are WAV, FLAC or NIST SPHERE; what is compressed with shorten needs `sph2pipe` or `ffmpeg` on
        PATH. A sound that is empty, cut off or clipped is not prepared.
        """
        return _corpus(split, source_dir)

    def examples_from_sample(self, split, source_dir):
        from t2tlite.problems import sample_world

        return sample_world.speech(split)


def _corpus(split, source_dir):
    from t2tlite.problems.formats import kaldi, ldc_discs, ldc_wsj

    if source_dir is None or not (top := pathlib.Path(source_dir)).is_dir():
        raise UserError(f"there is no folder {source_dir}; expected {_EXPECTED}")
    for name in _FOLDERS[split]:
        for folder in (top / name, top / "data" / name):
            if kaldi.is_folder(folder):
                return kaldi.examples(folder, top)
    others = [top / inner / name for names in _FOLDERS.values() for name in names for inner in (".", "data")]
    if found := [folder for folder in others if kaldi.is_folder(folder)]:
        raise UserError(
            f"{top} has a Kaldi data folder {found[0].name}, but none for {split}; "
            f"expected {' or '.join(_FOLDERS[split])} with wav.scp and text"
        )
    if discs := ldc_discs.Discs(top):
        return ldc_wsj.examples(discs, split)
    raise UserError(f"{top} holds no WSJ speech; expected {_EXPECTED}")
