"""`python -m afterword.config`: the generated table of settings; `--check` compares, `--write` renews it."""

import sys

from afterword.config.settings_text import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
