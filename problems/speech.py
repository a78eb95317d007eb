"""WSJ speech (WSJ0 and WSJ1): transcripts of read English."""

from t2tlite import problem, registry


@registry.register_problem
class WsjSpeech(problem.Problem):
    """Speech to its transcript, WSJ."""

    inputs = problem.Audio()
    targets = problem.Text()
    command = "to_transcript"
    metrics = ("wer",)
    sources = ("sample",)
    paper_row = 1

    def examples(self, split, source, source_dir=None):
        """Waveforms at 16 kHz with their transcripts."""
        self.check_source(source)
        from t2tlite.problems import sample_world

        return sample_world.speech(split)

    def count(self, split, source, source_dir=None):
        from t2tlite.problems.sample_world import corpora

        return corpora.COUNTS["speech"][split]
