"""Where the packages are: folders at the root are imported as t2tlite.problems, t2tlite.bin, and so on."""

import setuptools

OUTER = ("problems", "modalities", "hparams", "experiments", "bin")


def packages():
    names = ["t2tlite"] + [f"t2tlite.{name}" for name in setuptools.find_packages("t2tlite")]
    for folder in OUTER:
        names.append(f"t2tlite.{folder}")
        names += [f"t2tlite.{folder}.{name}" for name in setuptools.find_packages(folder)]
    return names


setuptools.setup(
    packages=packages(),
    package_dir={"t2tlite": "t2tlite", **{f"t2tlite.{folder}": folder for folder in OUTER}},
    package_data={"": ["*.gin", "*.md"], "t2tlite": ["py.typed"], "t2tlite.serving": ["page/*"]},
)
