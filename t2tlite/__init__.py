"""t2tlite: one model for many problems, after Tensor2Tensor and "One Model To Learn Them All"."""

__version__ = "0.1.0"
