"""``python -m supernet_bench`` is ``supernet-bench``."""

from supernet_bench.commands.main import main

if __name__ == "__main__":
    main()
