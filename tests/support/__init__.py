"""What the tests and the scenarios share: sandboxes, repositories, processes, waiting."""
