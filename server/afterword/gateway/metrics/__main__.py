"""`python -m afterword.gateway.metrics`: the generated table of metrics; `--check` compares, `--write` renews it."""

import sys

from afterword.gateway.metrics.table import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
