"""``python -m benchmark`` is ``supernet-bench``."""

from benchmark.cli import main

if __name__ == "__main__":
    main()
