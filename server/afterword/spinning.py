"""How long the threads of torch spin while they wait for each other.

Between two matrix products they wait by spinning, by default so long that they starve one another wherever something
else runs on the same cores: steps of a 135M model then took 4 to 10 times as long on 2 cores. The amount set here costs
nothing measurable on quiet cores. OpenMP reads it once, when torch is imported, so everything that loads torch calls
`limit_spinning` first; child processes inherit it.
"""

from __future__ import annotations

import logging
import os
import sys

VARIABLE = "GOMP_SPINCOUNT"
SPINS = "2000"
POLICY_VARIABLE = "OMP_WAIT_POLICY"
"""Who sets this has decided about spinning."""

_log = logging.getLogger("afterword.worker")


def limit_spinning() -> None:
    """Set the limit unless the environment has one. Warns if torch was imported before, because then it is too late."""
    if POLICY_VARIABLE in os.environ or VARIABLE in os.environ:
        return
    os.environ[VARIABLE] = SPINS
    if "torch" in sys.modules:
        _log.warning(
            "torch was imported before afterword, so its threads spin for long and steps are slow when cores are busy: "
            "import afterword first, or set %s=%s",
            VARIABLE,
            SPINS,
        )
