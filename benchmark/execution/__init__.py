"""Many runs: workers, drivers, executors and devices."""
